"""A stream of octets, cut into SIP messages by Content-Length and nothing else (RFC 3261 18.3). Pure: octets in,
frames out."""

import re
from dataclasses import dataclass

from sip_proxy.sip.errors import SipParseError
from sip_proxy.sip.message import Request, Response
from sip_proxy.sip.parser import (
    DEFAULT_LIMITS,
    MAX_METHOD_CHARS,
    Limits,
    body_length,
    complete,
    parse_head,
    too_large,
)

_END = b"\r\n\r\n"
_CR = 0x0D
# A method and its space, or the version of a response. Anything else is a TLS hello, RDP or the like.
_can_begin = re.compile(rb"(?:SIP/|[A-Za-z0-9\-.!%%*_+`'~]{1,%d}(?: |\Z))" % MAX_METHOD_CHARS).match


@dataclass(frozen=True, slots=True)
class Framed:
    """A whole message, and the octets that it came as."""

    message: Request | Response
    octets: bytes


@dataclass(frozen=True, slots=True)
class Ping:
    """A double CRLF: the peer keeps its connection alive and wants a CRLF back (RFC 5626 4.4.1)."""


@dataclass(frozen=True, slots=True)
class Malformed:
    """A message that is none. After a fatal one nobody knows where the next begins: answer, if it can be, and close."""

    error: SipParseError
    fatal: bool


Frame = Framed | Ping | Malformed


@dataclass(frozen=True, slots=True)
class _Head:
    message: Request | Response
    octets: bytes
    body_bytes: int


class Framer:
    """Collects what arrives on one connection; it never holds more than one message and one read."""

    def __init__(self, limits: Limits = DEFAULT_LIMITS) -> None:
        self._limits = limits
        self._buffer = bytearray()
        self._searched = 0  # octets of the buffer that hold no end of a head
        self._head: _Head | None = None  # of a message whose body is still coming
        self._broken = False

    @property
    def partial(self) -> bool:
        """Whether a message has begun and not ended."""
        return self._head is not None or bool(self._buffer.strip(b"\r\n"))

    def feed(self, data: bytes) -> list[Frame]:
        """What is complete now, in order; after a fatal error nothing any more."""
        self._buffer += data
        frames: list[Frame] = []
        while not self._broken and (frame := self._next()) is not None:
            frames.append(frame)
        if self._broken:
            self._buffer.clear()
        return frames

    def _next(self) -> Frame | None:
        try:
            if self._head is None:
                if self._take_line_ends():
                    return Ping()
                self._head = self._take_head()
        except SipParseError as error:
            self._broken = True
            return Malformed(error, fatal=True)
        return None if self._head is None else self._take_body(self._head)

    def _take_line_ends(self) -> bool:
        """Drops CRLFs between messages (RFC 3261 7.5); whether two of them were a ping."""
        while self._buffer.startswith(b"\r\n"):
            if self._buffer.startswith(_END):
                del self._buffer[: len(_END)]
                return True
            if len(self._buffer) < len(_END):
                return False  # the second half may be on its way
            del self._buffer[:2]
        return False

    def _take_head(self) -> _Head | None:
        if not self._buffer or (self._buffer[0] == _CR and len(self._buffer) < len(_END)):
            return None
        if not _can_begin(self._buffer):
            raise SipParseError(None, "Not SIP")
        end = self._buffer.find(_END, self._searched)
        if end < 0:
            if len(self._buffer) > self._limits.message_bytes:
                raise too_large(bytes(self._buffer))
            self._searched = max(0, len(self._buffer) - len(_END) + 1)
            return None
        octets = bytes(self._buffer[:end])
        message = parse_head(octets, self._limits)
        head = _Head(message, octets, body_length(message, octets, self._limits))
        del self._buffer[: end + len(_END)]
        self._searched = 0
        return head

    def _take_body(self, head: _Head) -> Frame | None:
        if len(self._buffer) < head.body_bytes:
            return None
        body = bytes(self._buffer[: head.body_bytes])
        del self._buffer[: head.body_bytes]
        self._head = None
        try:
            return Framed(complete(head.message, head.octets, body), head.octets + _END + body)
        except SipParseError as error:
            return Malformed(error, fatal=False)
