"""A session description as its lines, verbatim and in order, with views of what a relay has to know."""

import re
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import ip_address
from typing import Literal, NamedTuple

from sip_proxy.sip.errors import SdpError
from sip_proxy.sip.grammar import parse_number
from sip_proxy.sip.sdp.formats import MAX_PAYLOAD_TYPE, Format, parse_formats

Direction = Literal["sendrecv", "sendonly", "recvonly", "inactive"]

_DIRECTIONS: dict[str, Direction] = {
    "a=sendrecv": "sendrecv",
    "a=sendonly": "sendonly",
    "a=recvonly": "recvonly",
    "a=inactive": "inactive",
}
_is_line = re.compile(r"[A-Za-z]=").match
_match_media = re.compile(r"m=([^ ]++) ++([0-9]++)(?:/([0-9]++))? ++([^ ]++)((?: ++[^ ]++)*+) *+").fullmatch
_match_connection = re.compile(r"c=IN ++(IP4|IP6) ++([^ /]++)(?:/[0-9/]++)? *+", re.I).fullmatch
_match_rtcp = re.compile(r"a=rtcp:([0-9]++)(?: .*+)?").fullmatch
_match_ptime = re.compile(r"a=ptime: *+([0-9]{1,4}(?:\.[0-9]{1,3})?) *+").fullmatch
_MAX_PTIME_MS = 1000
_RELAYABLE = frozenset({"RTP/AVP", "RTP/AVPF", "RTP/SAVP", "RTP/SAVPF"})


@dataclass(frozen=True, slots=True)
class Media:
    """One media description. `first` and `end` are the range of its lines.

    `address` is the effective c= address, None when there is none or it is no IP address. `formats` are the RTP
    payload formats that we understand; `format_list` is what the m= line lists, whatever the protocol.
    """

    index: int
    kind: str
    port: int
    proto: str
    format_list: tuple[str, ...]
    formats: tuple[Format, ...]
    address: str | None
    direction: Direction
    ptime_ms: float | None
    rtcp_port: int | None
    rtcp_mux: bool
    has_dtls_keys: bool
    candidates: tuple[str, ...] = field(repr=False)
    first: int = field(repr=False)
    end: int = field(repr=False)

    @property
    def active(self) -> bool:
        """Port 0 means declined or taken out of use (RFC 3264 6, 8.2)."""
        return self.port != 0

    @property
    def is_rtp(self) -> bool:
        return "RTP/" in self.proto.upper()

    @property
    def encrypted(self) -> bool:
        return "SAVP" in self.proto.upper()

    @property
    def relayable(self) -> bool:
        """Whether a relay of RTP can carry it: over UDP, and without a key exchange between the packets (DTLS)."""
        return self.proto.upper() in _RELAYABLE and not (self.encrypted and self.has_dtls_keys)

    @property
    def sends(self) -> bool:
        """Whether the one who wrote this may send media."""
        return self.active and self.direction in ("sendrecv", "sendonly")

    @property
    def held(self) -> bool:
        """Whether the other side is to stop sending: a direction, or the address 0.0.0.0 (RFC 3264 8.4)."""
        return self.direction in ("sendonly", "inactive") or is_unspecified(self.address)


@dataclass(frozen=True, slots=True)
class SessionDescription:
    """`body` is what came in; `lines` are its lines without their ends."""

    body: bytes = field(repr=False)
    lines: tuple[str, ...]
    media: tuple[Media, ...]

    @property
    def audio(self) -> tuple[Media, ...]:
        return tuple(media for media in self.media if media.kind == "audio")

    @property
    def session_end(self) -> int:
        """The number of lines before the first m=."""
        return self.media[0].first if self.media else len(self.lines)

    @classmethod
    def parse(cls, body: bytes) -> "SessionDescription":
        """Raises SdpError for what cannot be a session description; tolerates LF line ends and empty last lines."""
        text = body.decode("utf-8", "surrogateescape").replace("\r\n", "\n")
        if "\r" in text:
            raise SdpError("bare CR in SDP")  # a line end for some, and then a line that we have not seen
        lines = tuple(text.rstrip("\n").split("\n"))
        if not lines[0].startswith("v="):
            raise SdpError("SDP does not start with v=")
        for line in lines:
            if not _is_line(line):
                raise SdpError("malformed SDP line")
            if line.startswith("c="):
                connection_address(line)  # not only the one that counts: all of them are to be rewritten
        return cls(body, lines, _parse_media(lines))


def is_unspecified(address: str | None) -> bool:
    """0.0.0.0 or ::, however written, which mean nowhere."""
    return address is not None and _ip_or_none(address) in ("0.0.0.0", "::")


def connection_address(line: str) -> str:
    """The address of a c= line as written; raises SdpError when it is malformed."""
    found = _match_connection(line)
    if found is None:
        raise SdpError("malformed c= line in SDP")
    return found[2]


def _parse_media(lines: tuple[str, ...]) -> tuple[Media, ...]:
    starts = [at for at, line in enumerate(lines) if line.startswith("m=")]
    session = lines[: starts[0]] if starts else lines
    inherited = _Inherited(
        _effective_address(session, None), _effective_direction(session, "sendrecv"), _has_fingerprint(session)
    )
    ends = [*starts[1:], len(lines)]
    return tuple(
        _parse_one(index, lines, first, end, inherited)
        for index, (first, end) in enumerate(zip(starts, ends, strict=False))
    )


class _Inherited(NamedTuple):
    """What the session says for every medium that says nothing itself."""

    address: str | None
    direction: Direction
    fingerprint: bool


def _parse_one(index: int, lines: tuple[str, ...], first: int, end: int, inherited: _Inherited) -> Media:
    found = _match_media(lines[first])
    port = None if found is None else parse_number(found[2], 65535)
    if found is None or port is None:
        raise SdpError("malformed m= line in SDP")
    own = lines[first + 1 : end]
    format_list = tuple(found[5].split())
    is_rtp = "RTP/" in found[4].upper()
    return Media(
        index=index,
        kind=found[1].lower(),
        port=port,
        proto=found[4],
        format_list=format_list,
        formats=_rtp_formats(format_list, own) if is_rtp else (),
        address=_effective_address(own, inherited.address),
        direction=_effective_direction(own, inherited.direction),
        ptime_ms=_ptime_ms(own),
        rtcp_port=_rtcp_port(own),
        rtcp_mux="a=rtcp-mux" in own,
        # RFC 5763 5; keys in a=crypto (RFC 4568) win, as they need nothing between the packets
        has_dtls_keys=(inherited.fingerprint or _has_fingerprint(own)) and not _values(own, "a=crypto:"),
        candidates=_values(own, "a=candidate:"),
        first=first,
        end=end,
    )


def _rtp_formats(format_list: tuple[str, ...], lines: tuple[str, ...]) -> tuple[Format, ...]:
    payload_types = [parse_number(text, MAX_PAYLOAD_TYPE) for text in format_list]
    if not payload_types:
        raise SdpError("m= line without formats in SDP")
    known = [payload_type for payload_type in payload_types if payload_type is not None]
    if len(known) < len(payload_types):
        raise SdpError("RTP payload type out of range in SDP")
    return parse_formats(known, _values(lines, "a=rtpmap:"), _values(lines, "a=fmtp:"))


def _values(lines: tuple[str, ...], prefix: str) -> tuple[str, ...]:
    return tuple(line.removeprefix(prefix) for line in lines if line.startswith(prefix))


def _has_fingerprint(lines: tuple[str, ...]) -> bool:
    return bool(_values(lines, "a=fingerprint:"))


def _effective_address(lines: tuple[str, ...], inherited: str | None) -> str | None:
    for line in lines:
        if line.startswith("c="):
            return _ip_or_none(connection_address(line))
    return inherited


# The addresses of devices and relays come again, and to read one is slow.
@lru_cache(maxsize=2048)
def _ip_or_none(address: str) -> str | None:
    try:
        # an IPv6 zone would mean something on the sender's machine only
        return None if "%" in address else str(ip_address(address))
    except ValueError:
        return None


def _effective_direction(lines: tuple[str, ...], inherited: Direction) -> Direction:
    for line in lines:
        if line.rstrip(" ") in _DIRECTIONS:
            return _DIRECTIONS[line.rstrip(" ")]
    return inherited


def _ptime_ms(lines: tuple[str, ...]) -> float | None:
    for line in lines:
        found = _match_ptime(line)
        if found is not None and 0 < float(found[1]) <= _MAX_PTIME_MS:
            return float(found[1])
    return None


def _rtcp_port(lines: tuple[str, ...]) -> int | None:
    for line in lines:
        found = _match_rtcp(line)
        if found is not None:
            return parse_number(found[1], 65535) or None
    return None
