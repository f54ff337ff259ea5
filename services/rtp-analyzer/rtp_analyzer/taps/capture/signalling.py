"""What of a SIP message concerns its media: who is in which call, and the RTP ends that its SDP names. Tolerant."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

from shared.events.media import PayloadFormat

MAX_MESSAGE_BYTES: Final = 65_535
_MAX_FORMATS: Final = 128
_MAX_MEDIA: Final = 32

_is_start = re.compile(rb"(?:SIP/2\.0 [1-6][0-9]{2}\b|[A-Z][A-Z0-9\-]{1,20} [^\r\n ]{1,2048} SIP/2\.0\r?\n)").match
_find_header = re.compile(
    rb"^(call-id|i|from|f|to|t|cseq)[ \t]*:[ \t]*([^\r\n]{1,1024})", re.IGNORECASE | re.MULTILINE
).finditer
_find_tag = re.compile(r';[ \t]*tag[ \t]*=[ \t]*([^;,>"\s]{1,256})', re.IGNORECASE).search
_find_uri = re.compile(r"(?:sips?|tel):([^;>?\s\"]{1,256})", re.IGNORECASE).search
_match_cseq = re.compile(r"[0-9]{1,10}[ \t]+([A-Z]{1,20})").match
_match_status = re.compile(rb"SIP/2\.0 ([1-6][0-9]{2})").match
_find_description = re.compile(rb"(?:^|\n)v=0\r?\n").search

_match_media = re.compile(r"m=[A-Za-z]{1,20} +([0-9]{1,5})(?:/[0-9]{1,3})? +([A-Za-z0-9/]{1,40})(?: |$)").match
_match_connection = re.compile(r"c=IN +IP[46] +([0-9A-Fa-f.:]{2,45})").match
_match_rtpmap = re.compile(r"a=rtpmap: *([0-9]{1,3}) +([A-Za-z0-9_.+\-]{1,64})/([0-9]{1,6})(?:/([0-9]))?").match
_DIRECTIONS: Final = {"a=sendrecv": True, "a=sendonly": True, "a=recvonly": False, "a=inactive": False}
_LONG_NAMES: Final = {"i": "call-id", "f": "from", "t": "to"}


@dataclass(frozen=True, slots=True)
class MediaEnd:
    """An address and port where somebody wants RTP, and with which payload types. `sends`: whether he sends himself."""

    address: str
    port: int
    formats: tuple[PayloadFormat, ...]
    sends: bool
    encrypted: bool


@dataclass(frozen=True, slots=True)
class SipMessage:
    """`method` is that of the request, or of the one that a response answers (`status`)."""

    method: str
    status: int | None
    call_id: str
    from_uri: str | None
    to_uri: str | None
    from_tag: str | None
    to_tag: str | None
    media: tuple[MediaEnd, ...]


def starts_message(data: bytes) -> bool:
    """Whether this begins like a SIP message."""
    return _is_start(data) is not None


def read_message(data: bytes) -> SipMessage | None:
    """What a message says; None when it is no SIP, or lacks what every message has."""
    if len(data) > MAX_MESSAGE_BYTES or not starts_message(data):
        return None
    head, body = _split(data)
    fields: dict[str, str] = {}
    for found in _find_header(head):
        name = found[1].decode().lower()
        fields.setdefault(_LONG_NAMES.get(name, name), _printable(found[2]))
    cseq = _match_cseq(fields.get("cseq", ""))
    if "call-id" not in fields or cseq is None:
        return None
    status = _match_status(data)
    return SipMessage(
        method=cseq[1],
        status=int(status[1]) if status else None,
        call_id=fields["call-id"].strip()[:512],
        from_uri=_group(_find_uri(fields.get("from", ""))),
        to_uri=_group(_find_uri(fields.get("to", ""))),
        from_tag=_group(_find_tag(fields.get("from", ""))),
        to_tag=_group(_find_tag(fields.get("to", ""))),
        media=tuple(read_description(body)),
    )


def _split(data: bytes) -> tuple[bytes, bytes]:
    for end in (b"\r\n\r\n", b"\n\n"):
        head, found, body = data.partition(end)
        if found:
            return head, body
    return data, b""


def _group(found: re.Match[str] | None) -> str | None:
    return found[1] if found else None


def _printable(raw: bytes) -> str:
    """Text that may go to a terminal."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in raw.decode("utf-8", "replace"))


def read_description(body: bytes) -> Iterator[MediaEnd]:
    """The RTP ends of the session description in a body, also when it is one part of several (RFC 8866)."""
    found = _find_description(body)
    if found is None:
        return
    session_address: str | None = None
    session_sends = True
    media: _Description | None = None
    count = 0
    for line in body[found.end() :].decode("ascii", "replace").splitlines():
        if line.startswith(("--", "v=")):  # the next part
            break
        if line.startswith("m="):
            if media is not None:
                yield from media.end()
            count += 1
            if count > _MAX_MEDIA:
                return
            media = _Description.opened(line, session_address, session_sends)
        elif media is not None:
            media.read(line)
        else:
            session_address = _address(line) or session_address
            session_sends = _DIRECTIONS.get(line.strip(), session_sends)
    if media is not None:
        yield from media.end()


@dataclass(slots=True)
class _Description:
    """One m= section as far as it is read."""

    port: int
    is_rtp: bool
    address: str | None
    sends: bool
    encrypted: bool
    formats: dict[int, PayloadFormat]

    @classmethod
    def opened(cls, line: str, address: str | None, sends: bool) -> "_Description":
        found = _match_media(line)
        if found is None:
            return cls(0, False, None, False, False, {})
        protocol = found[2].upper()
        return cls(int(found[1]), "RTP/" in protocol, address, sends, "SAVP" in protocol, {})

    def read(self, line: str) -> None:
        self.address = _address(line) or self.address
        self.sends = _DIRECTIONS.get(line.strip(), self.sends)
        known = _payload_format(line)
        if known is not None and len(self.formats) < _MAX_FORMATS:
            self.formats[known.payload_type] = known

    def end(self) -> Iterator[MediaEnd]:
        if self.is_rtp and 0 < self.port < 65536 and self.address is not None:
            yield MediaEnd(self.address, self.port, tuple(self.formats.values()), self.sends, self.encrypted)


def _address(line: str) -> str | None:
    """The address of a c= line; None for another line, and for nowhere (RFC 3264 8.4)."""
    found = _match_connection(line)
    if found is None:
        return None
    try:
        parsed = ip_address(found[1])
    except ValueError:
        return None
    return None if parsed.is_unspecified or parsed.is_multicast else str(parsed)


def _payload_format(line: str) -> PayloadFormat | None:
    found = _match_rtpmap(line)
    if found is None or int(found[1]) > 127 or not 0 < int(found[3]) <= 192_000:
        return None
    return PayloadFormat(
        payload_type=int(found[1]),
        encoding=found[2].upper(),
        clock_rate=int(found[3]),
        channels=min(max(int(found[4] or 1), 1), 8),
    )
