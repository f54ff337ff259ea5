"""SIP messages out of TCP segments: each direction of a connection is put in order and cut at Content-Length."""

import re
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from rtp_analyzer.taps.capture.signalling import MAX_MESSAGE_BYTES, starts_message

MAX_CONNECTIONS: Final = 1024
MAX_WAITING: Final = 16  # segments that came before their turn
_SEQUENCE_NUMBERS: Final = 1 << 32
_KEEP_ALIVE: Final = b"\r\n"  # RFC 5626 3.5.1
_find_length = re.compile(rb"^(?:content-length|l)[ \t]*:[ \t]*([0-9]{1,6})", re.IGNORECASE | re.MULTILINE).search

Connection = tuple[int, int, int, int]  # source, source port, target, target port


@dataclass(slots=True)
class _Direction:
    next_sequence: int
    data: bytearray = field(default_factory=bytearray)
    waiting: dict[int, bytes] = field(default_factory=dict)


class TcpMessages:
    """The SIP messages of all connections; remembers no more than MAX_CONNECTIONS directions."""

    def __init__(self) -> None:
        self._directions: OrderedDict[Connection, _Direction] = OrderedDict()

    def add(self, connection: Connection, sequence: int, data: bytes) -> Iterator[bytes]:
        """The messages that are complete with this segment. A connection is taken up where a message begins."""
        direction = self._directions.get(connection)
        if direction is None:
            if not starts_message(data):
                return
            direction = self._directions[connection] = _Direction(sequence)
            if len(self._directions) > MAX_CONNECTIONS:
                self._directions.popitem(last=False)
        self._directions.move_to_end(connection)
        if not _put_in_order(direction, sequence, data):
            del self._directions[connection]  # segments are missing for good
            if starts_message(data):
                yield from self.add(connection, sequence, data)
            return
        yield from _complete(direction.data)
        if len(direction.data) > MAX_MESSAGE_BYTES:
            del self._directions[connection]


def _put_in_order(direction: _Direction, sequence: int, data: bytes) -> bool:
    ahead = (sequence - direction.next_sequence) % _SEQUENCE_NUMBERS
    if ahead >= _SEQUENCE_NUMBERS // 2:  # again, at least in part
        data = data[_SEQUENCE_NUMBERS - ahead :]
    elif ahead > 0:
        direction.waiting[sequence] = data
        return len(direction.waiting) <= MAX_WAITING
    while data:
        direction.data += data
        direction.next_sequence = (direction.next_sequence + len(data)) % _SEQUENCE_NUMBERS
        data = direction.waiting.pop(direction.next_sequence, b"")
    return True


def _complete(data: bytearray) -> Iterator[bytes]:
    """Takes whole messages off the front."""
    while True:
        while data.startswith(_KEEP_ALIVE):
            del data[:2]
        head_end = data.find(b"\r\n\r\n")
        if head_end < 0:
            return
        length = _find_length(data[:head_end])
        end = head_end + 4 + (int(length[1]) if length else 0)
        if len(data) < end:
            return
        yield bytes(data[:end])
        del data[:end]
