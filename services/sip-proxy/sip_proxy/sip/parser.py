"""From octets to messages. Whatever comes in, SipParseError is the only exception that comes out.

Sizes are checked first, then structure, then the values that every element relies on (RFC 3261 16.3 step 1, 18.3).
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from sip_proxy.sip.errors import SipParseError, UnsupportedScheme
from sip_proxy.sip.fields import SINGLE, Field, Headers, header_key
from sip_proxy.sip.grammar import is_token
from sip_proxy.sip.message import RELIED_UPON, RELIED_UPON_IN_REQUESTS, SIP_VERSION, Request, Response

__all__ = [
    "DEFAULT_LIMITS",
    "Limits",
    "SipParseError",
    "body_length",
    "complete",
    "is_keepalive",
    "parse_datagram",
    "parse_head",
    "too_large",
    "validate",
]


@dataclass(frozen=True, slots=True)
class Limits:
    """What a peer may make us hold and scan. Generous: RFC 4475 3.1.1.7 has 34 Vias and 500-octet parameters."""

    message_bytes: int = 16_384  # Kamailio's default
    start_line_chars: int = 1_024  # twice Kamailio's default for a Request-URI
    header_fields: int = 128
    header_chars: int = 8_192  # a signed Identity takes a few thousand


MAX_METHOD_CHARS = 64  # the longest registered one has 9; RFC 4475 3.1.1.2 comes with 44
DEFAULT_LIMITS = Limits()

_ANSWERED = frozenset({"via", "from", "to", "call-id", "cseq"})
_is_version = re.compile(r"SIP/[0-9]++\.[0-9]++", re.I).fullmatch
# The space before an empty reason phrase is often forgotten.
_match_status_line = re.compile(r"(SIP/2\.0) ([1-6][0-9][0-9])(?: (.*+))?", re.I).fullmatch
_split_fields = re.compile(r"\r\n(?![ \t])").split
_unfold = re.compile(r"\r\n[ \t]++").sub
_unfold_any = re.compile(r"[\r\n]++[ \t]++").sub
_split_any = re.compile(r"[\r\n]++").split


def is_keepalive(data: bytes) -> bool:
    """Whether a datagram only keeps a NAT binding open: CRLFs, NULs, nothing at all (RFC 5626 3.5.1, practice)."""
    return not data.strip(b"\r\n\x00")


def parse_datagram(data: bytes, limits: Limits = DEFAULT_LIMITS) -> Request | Response:
    """One message from one datagram (RFC 3261 18.3); octets beyond Content-Length are noise and dropped.

    Raises SipParseError. Its status is None for what gets no answer: responses, ACKs, what is not SIP at all.
    """
    if data[:1] in (b"\r", b"\n"):
        data = data.lstrip(b"\r\n")
    if len(data) > limits.message_bytes:
        raise too_large(data[: limits.message_bytes])
    head, blank, body = data.partition(b"\r\n\r\n")
    if not blank:
        raise _refusal(data, 400, "No Empty Line After Header")
    message = parse_head(head, limits)
    try:
        length = message.content_length
        if length is not None and length > len(body):
            raise SipParseError(400, "Content-Length Exceeds Datagram")
    except SipParseError as error:
        raise _refusal(head, error.status, error.reason) from None
    return complete(message, head, body if length is None else body[:length])


def body_length(message: Request | Response, head: bytes, limits: Limits = DEFAULT_LIMITS) -> int:
    """How many octets of body follow the head of a message in a stream, where nothing else ends it (RFC 3261 18.3).

    Raises SipParseError: nobody can say where the next message begins.
    """
    try:
        if message.headers.repeated(("content-length",)) is not None:
            raise SipParseError(400, "Multiple Content-Length")
        length = message.content_length
        if length is None:
            raise SipParseError(400, "Missing Content-Length")
        if len(head) + 4 + length > limits.message_bytes:
            raise SipParseError(513, "Message Too Large")
    except SipParseError as error:
        raise _refusal(head, error.status, error.reason) from None
    return length


def complete(message: Request | Response, head: bytes, body: bytes) -> Request | Response:
    """The message with its body, its values checked; `head` is what it was parsed from. Raises SipParseError."""
    message.body = body
    try:
        validate(message)
    except SipParseError as error:
        raise _refusal(head, error.status, error.reason) from None
    return message


def too_large(head: bytes) -> SipParseError:
    """The error for a message that will not be read to its end; `head` is what came of it."""
    return _refusal(head, 513, "Message Too Large")


def parse_head(head: bytes, limits: Limits = DEFAULT_LIMITS) -> Request | Response:
    """Start line and header fields, without the empty line; the body stays empty and the values unchecked."""
    text = head.decode("utf-8", "surrogateescape")
    try:
        # Some parsers end a line at a bare CR or LF and some do not: nobody may read other fields than we do.
        if not text.count("\r\n") == text.count("\n") == text.count("\r"):
            raise SipParseError(400, "Bare CR or LF")
        lines = _split_fields(text) if "\r\n " in text or "\r\n\t" in text else text.split("\r\n")
        _check_sizes(text, lines, limits)
        return _parse_start_line(lines[0], Headers.from_fields(_parse_fields(lines)))
    except SipParseError as error:
        raise _refusal(head, error.status, error.reason) from None


def validate(message: Request | Response) -> None:
    """Checks the values that a proxy relies on; raises SipParseError."""
    repeated = message.headers.repeated(SINGLE)
    if repeated is not None:
        raise SipParseError(400, f"Multiple {repeated.title()}")
    message.headers.read(RELIED_UPON)  # to read a view is to check it
    if isinstance(message, Request):
        if message.cseq.method != message.method:
            raise SipParseError(400, "CSeq Method Does Not Match")
        _validate_request_uri(message)
        message.headers.read(RELIED_UPON_IN_REQUESTS)


def _validate_request_uri(request: Request) -> None:
    try:
        # RFC 3261 19.1.1 table 1: no headers in a Request-URI; they would become fields further on.
        if request.parsed_uri.headers is not None:
            raise SipParseError(400, "Headers in Request-URI")
    except UnsupportedScheme:
        return  # whoever it is addressed to answers 416 (RFC 3261 16.3 step 2)


def _check_sizes(text: str, lines: list[str], limits: Limits) -> None:
    if len(lines) - 1 > limits.header_fields:
        raise SipParseError(400, "Too Many Header Fields")
    if len(lines[0]) > limits.start_line_chars:
        raise SipParseError(414, "Request-URI Too Long")
    if len(text) > limits.header_chars and max(map(len, lines)) > limits.header_chars:
        raise SipParseError(400, "Header Field Too Long")


def _parse_start_line(line: str, headers: Headers) -> Request | Response:
    status_line = _match_status_line(line)
    if status_line is not None:
        version, status, reason = status_line.groups()
        return Response(int(status), reason or "", headers, version=version)
    pieces = line.split(" ")
    if len(pieces) != 3:
        raise SipParseError(400, "Malformed Request Line")
    method, uri, version = pieces
    if not is_token(method) or len(method) > MAX_METHOD_CHARS or not _is_version(version):
        raise SipParseError(400, "Malformed Request Line")
    if version.upper() != SIP_VERSION:
        raise SipParseError(505, "Version Not Supported")
    return Request(method, uri, headers, version=version)


def _parse_fields(lines: list[str]) -> list[Field]:
    fields: list[Field] = []
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if not colon:
            raise SipParseError(400, "Malformed Header Field")
        if "\r" in value:
            value = _unfold(" ", value)
        fields.append((_field_key(name), value.strip(" \t"), line))
    return fields


@lru_cache(maxsize=1024)
def _field_key(name: str) -> str:
    name = name.rstrip(" \t")
    if not is_token(name):
        raise SipParseError(400, "Malformed Header Field Name")
    return header_key(name)


def _refusal(data: bytes, status: int | None, reason: str) -> SipParseError:
    """The error for a message whose head (at least) is in data, with what an answer can be made of."""
    partial = _salvage(data)
    if partial is None or partial.method == "ACK" or "via" not in partial.headers:
        return SipParseError(None, reason)
    return SipParseError(status, reason, partial)


def _salvage(data: bytes) -> Request | None:
    """Reads what it can of a broken request; None when it does not even start like one."""
    head = data.partition(b"\r\n\r\n")[0].decode("utf-8", "surrogateescape")
    start_line, *lines = _split_any(_unfold_any(" ", head))
    method, _, rest = start_line.partition(" ")
    uri, _, version = rest.rstrip(" ").rpartition(" ")
    if not is_token(method) or not _is_version(version):
        return None
    headers = Headers()
    for line in lines:
        name, _, value = line.partition(":")
        if header_key(name.rstrip(" \t")) in _ANSWERED:
            headers.add(name.rstrip(" \t"), value)
    return Request(method, uri, headers)
