"""A party to a relayed call: two plain UDP sockets that send RTP and RTCP and keep what comes back."""

import socket
import struct
import time
from collections.abc import Iterable, Iterator

from rtp_analyzer.packets.rtp import RtpPacket
from shared.events import MediaLeg, PayloadFormat
from shared.events.calls import Party
from shared.testing import PCMA
from tests.ports import HOST, free_port


def free_ports(count: int) -> range:
    """The even numbers of a stretch of `2 * count` UDP ports that nobody has bound now."""
    first = free_port(following=2 * count)
    return range(first, first + 2 * count, 2)


def voice(
    count: int, *, ssrc: int, first: int = 1000, payload_type: int = 8, payload: bytes | None = None
) -> list[RtpPacket]:
    """Consecutive 20 ms packets whose payloads differ."""
    return [
        RtpPacket(
            payload_type=payload_type,
            sequence=(first + i) & 0xFFFF,
            timestamp=(first + i) * 160 & 0xFFFFFFFF,
            ssrc=ssrc,
            payload=payload or struct.pack("!II", ssrc, i) * 20,
        )
        for i in range(count)
    ]


def sender_report(ssrc: int) -> bytes:
    """An RTCP sender report without reception reports (RFC 3550 6.4.1)."""
    return struct.pack("!BBHIIIIII", 0x80, 200, 6, ssrc, 0, 0, 0, 0, 0)


class RtpPhone:
    """One party. `port` is our relay's port towards it."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.rtp = self._socket()
        self.rtcp = self._socket()

    @staticmethod
    def _socket() -> socket.socket:
        opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        opened.bind((HOST, 0))
        opened.settimeout(0.02)
        return opened

    def close(self) -> None:
        self.rtp.close()
        self.rtcp.close()

    def leg(self, party: Party, formats: Iterable[PayloadFormat] = (PCMA,), **changes: object) -> MediaLeg:
        """What its SDP says."""
        fields = {
            "party": party,
            "port": self.port,
            "remote_address": HOST,
            "remote_port": self.rtp.getsockname()[1],
            "remote_rtcp_port": self.rtcp.getsockname()[1],
            "formats": tuple(formats),
            **changes,
        }
        return MediaLeg.model_validate(fields)

    def send(self, packets: Iterable[RtpPacket]) -> int:
        """Sends RTP in small bursts that no socket buffer is too small for; returns how many."""
        sent = 0
        for packet in packets:
            self.rtp.sendto(packet.encode(), (HOST, self.port))
            sent += 1
            if sent % 20 == 0:
                time.sleep(0.001)
        return sent

    def send_rtcp(self, datagram: bytes) -> None:
        self.rtcp.sendto(datagram, (HOST, self.port + 1))

    def received(self, count: int, within_s: float = 5.0) -> list[bytes]:
        """The next `count` datagrams on the RTP socket, fewer when they do not come in time."""
        return list(_datagrams(self.rtp, count, within_s))

    def received_rtcp(self, count: int, within_s: float = 5.0) -> list[bytes]:
        return list(_datagrams(self.rtcp, count, within_s))

    def nothing_more(self) -> bool:
        """Whether nothing waits. Ask after what was sent later has arrived."""
        return not self.received(1, within_s=0.0)


def _datagrams(source: socket.socket, count: int, within_s: float) -> Iterator[bytes]:
    deadline = time.monotonic() + within_s
    while count > 0:
        try:
            yield source.recv(65536)
            count -= 1
        except TimeoutError:
            if time.monotonic() >= deadline:
                return
