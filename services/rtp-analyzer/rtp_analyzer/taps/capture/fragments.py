"""IP packets put together from their fragments (RFC 791 3.2, RFC 8200 4.5), within bounds of number, size and time."""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

MAX_PACKETS: Final = 256
MAX_FRAGMENTS: Final = 64  # of one packet
MAX_BYTES: Final = 65_535
KEPT_NS: Final = 30_000_000_000  # RFC 8200 4.5 waits 60 s; no medium is that late

Identity = tuple[int, int, int, int]  # source, target, protocol, identification


@dataclass(slots=True)
class _Packet:
    first_ns: int
    parts: dict[int, bytes] = field(default_factory=dict)
    size: int | None = None


class Reassembly:
    """The packets whose fragments have not all come."""

    def __init__(self) -> None:
        self._packets: OrderedDict[Identity, _Packet] = OrderedDict()

    def add(self, identity: Identity, at: int, data: bytes, *, last: bool, arrival_ns: int) -> bytes | None:
        """The whole IP payload if this fragment completes it. Overlaps void the packet, as RFC 5722 asks."""
        packet = self._packets.get(identity)
        if packet is None or arrival_ns - packet.first_ns > KEPT_NS:
            packet = self._packets[identity] = _Packet(arrival_ns)
            self._packets.move_to_end(identity)
            if len(self._packets) > MAX_PACKETS:
                self._packets.popitem(last=False)
        if packet.parts.get(at) == data:
            return None  # the same again: two capture points
        packet.parts[at] = data
        if last:
            packet.size = at + len(data)
        if at + len(data) > MAX_BYTES or len(packet.parts) > MAX_FRAGMENTS:
            del self._packets[identity]
            return None
        return self._whole(identity, packet)

    def _whole(self, identity: Identity, packet: _Packet) -> bytes | None:
        if packet.size is None or sum(map(len, packet.parts.values())) < packet.size:
            return None
        del self._packets[identity]
        whole = bytearray()
        for at, data in sorted(packet.parts.items()):
            if at != len(whole):
                return None
            whole += data
        return bytes(whole) if len(whole) == packet.size else None
