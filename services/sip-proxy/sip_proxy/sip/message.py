"""Requests and responses as mutable builders: what is not changed goes out byte for byte as it came in.

`copy()` before changing a message that somebody else may still read; it shares all fields and costs about 1 µs.
Text is UTF-8 where it is UTF-8, and any other octet survives as a surrogate escape (RFC 3261 7.4, 25.1).
"""

import re
from collections.abc import Iterable
from typing import Literal

from sip_proxy.sip.errors import SipParseError
from sip_proxy.sip.fields import Headers
from sip_proxy.sip.grammar import UNPRINTABLE, parse_number, split_list
from sip_proxy.sip.headers import (
    CSeq,
    NameAddr,
    Via,
    parse_contacts,
    parse_cseq,
    parse_delta_seconds,
    parse_name_addr,
    parse_via,
)
from sip_proxy.sip.reasons import REASONS
from sip_proxy.sip.uri import SipUri, parse_uri

__all__ = ["Headers", "Message", "Request", "Response", "response_to"]

SIP_VERSION = "SIP/2.0"
# Wider than the grammar, but nothing that a log or a key could choke on; 512 is what the events hold.
_is_call_id = re.compile(rf"[^{UNPRINTABLE}]{{1,512}}+").fullmatch
_ANSWERED = ("via", "from", "to", "call-id", "cseq")
MAX_CONTENT_LENGTH = 2**31 - 1  # larger ones are nonsense on any transport


class Message:
    """What requests and responses share. Typed accessors parse on first use and remember the result.

    After `parse_datagram`: top_via, from_, to, call_id, cseq, max_forwards, expires and content_length never raise,
    and in a request neither do contacts, routes and record_routes. The rest raises SipParseError when malformed.
    """

    __slots__ = ("body", "headers", "version")

    def __init__(self, headers: Headers | Iterable[tuple[str, str]], body: bytes, version: str) -> None:
        self.headers = headers if isinstance(headers, Headers) else Headers(headers)
        self.body = body
        self.version = version

    @property
    def start_line(self) -> str:
        raise NotImplementedError

    def encode(self) -> bytes:
        """The message as it goes on the wire."""
        text = "\r\n".join((self.start_line, *self.headers.raw_fields(), "", ""))
        return text.encode("utf-8", "surrogateescape") + self.body

    def set_body(self, body: bytes, content_type: str | None = None) -> None:
        """Replaces the body and makes Content-Length, and Content-Type if given, agree with it."""
        self.body = body
        if content_type is not None:
            self.headers.set("Content-Type", content_type)
        self.headers.set("Content-Length", str(len(body)))

    def top_via(self) -> Via:
        return self.headers.view("via", _top_via)

    def vias(self) -> tuple[Via, ...]:
        return self.headers.view("via*", _all_vias)

    def from_(self) -> NameAddr:
        return self.headers.view("from", _from)

    def to(self) -> NameAddr:
        return self.headers.view("to", _to)

    @property
    def call_id(self) -> str:
        return self.headers.view("call-id", _call_id)

    @property
    def cseq(self) -> CSeq:
        return self.headers.view("cseq", _cseq)

    @property
    def contacts(self) -> tuple[NameAddr, ...] | Literal["*"]:
        return self.headers.view("contact", _contacts)

    @property
    def routes(self) -> tuple[NameAddr, ...]:
        return self.headers.view("route", _routes)

    @property
    def record_routes(self) -> tuple[NameAddr, ...]:
        return self.headers.view("record-route", _record_routes)

    @property
    def max_forwards(self) -> int | None:
        """None when absent, and also when above 255, where RFC 4475 3.1.2.4 lets us start anew."""
        return self.headers.view("max-forwards", _max_forwards)

    @property
    def expires(self) -> int | None:
        """Seconds; None when absent, malformed or absurd: the default applies then (RFC 3261 10.2.1.1)."""
        return self.headers.view("expires", _expires)

    @property
    def content_length(self) -> int | None:
        return self.headers.view("content-length", _content_length)


class Request(Message):
    __slots__ = ("method", "uri")

    def __init__(
        self,
        method: str,
        uri: str,
        headers: Headers | Iterable[tuple[str, str]] = (),
        body: bytes = b"",
        version: str = SIP_VERSION,
    ) -> None:
        super().__init__(headers, body, version)
        self.method = method
        self.uri = uri

    @property
    def start_line(self) -> str:
        return f"{self.method} {self.uri} {self.version}"

    @property
    def parsed_uri(self) -> SipUri:
        """Raises UnsupportedScheme (416) after `parse_datagram`, never another error."""
        return parse_uri(self.uri)

    def copy(self) -> "Request":
        return Request(self.method, self.uri, self.headers.copy(), self.body, self.version)

    def __repr__(self) -> str:
        return f"<Request {self.method} {self.uri!r}>"


class Response(Message):
    __slots__ = ("reason", "status")

    def __init__(
        self,
        status: int,
        reason: str | None = None,
        headers: Headers | Iterable[tuple[str, str]] = (),
        body: bytes = b"",
        version: str = SIP_VERSION,
    ) -> None:
        super().__init__(headers, body, version)
        self.status = status
        self.reason = REASONS.get(status, "") if reason is None else reason

    @property
    def start_line(self) -> str:
        return f"{self.version} {self.status} {self.reason}"

    def copy(self) -> "Response":
        return Response(self.status, self.reason, self.headers.copy(), self.body, self.version)

    def __repr__(self) -> str:
        return f"<Response {self.status} {self.reason!r}>"


def response_to(
    request: Request,
    status: int,
    reason: str | None = None,
    *,
    to_tag: str | None,
    headers: Iterable[tuple[str, str]] = (),
) -> Response:
    """RFC 3261 8.2.6: Via, From, To, Call-ID and CSeq are the request's, To gets our tag unless it has one.

    Also answers the `partial` of a SipParseError, with what there is of these. A 100 takes no tag, but the Timestamp.
    """
    copied = Headers.excerpt(request.headers, _ANSWERED if status > 100 else (*_ANSWERED, "timestamp"))
    to = request.headers.get("to")
    if to_tag is not None and to is not None and status > 100 and not _has_tag(request.headers):
        copied.set("To", f"{to};tag={to_tag}")
    for name, value in headers:
        copied.add(name, value)
    copied.add("Content-Length", "0")
    return Response(status, reason, copied)


def _required(headers: Headers, name: str) -> str:
    value = headers.get(name)
    if value is None:
        raise SipParseError(400, f"Missing {name.title()}")
    return value


def _top_via(headers: Headers) -> Via:
    values = split_list(_required(headers, "via"))
    if not values:
        raise SipParseError(400, "Malformed Via")
    return parse_via(values[0])


def _all_vias(headers: Headers) -> tuple[Via, ...]:
    values = headers.get_all("via")
    return (headers.view("via", _top_via), *map(parse_via, values[1:])) if values else ()


def _from(headers: Headers) -> NameAddr:
    return parse_name_addr(_required(headers, "from"))


def _to(headers: Headers) -> NameAddr:
    return parse_name_addr(_required(headers, "to"))


def _call_id(headers: Headers) -> str:
    value = _required(headers, "call-id")
    if not _is_call_id(value):
        raise SipParseError(400, "Malformed Call-ID")
    return value


def _cseq(headers: Headers) -> CSeq:
    return parse_cseq(_required(headers, "cseq"))


def _contacts(headers: Headers) -> tuple[NameAddr, ...] | Literal["*"]:
    return parse_contacts(headers.get_all("contact"))


def _routes(headers: Headers) -> tuple[NameAddr, ...]:
    return tuple(map(parse_name_addr, headers.get_all("route")))


def _record_routes(headers: Headers) -> tuple[NameAddr, ...]:
    return tuple(map(parse_name_addr, headers.get_all("record-route")))


def _max_forwards(headers: Headers) -> int | None:
    value = headers.get("max-forwards")
    if value is None:
        return None
    if not (value.isascii() and value.isdigit()):
        raise SipParseError(400, "Malformed Max-Forwards")
    return parse_number(value, 255)


def _expires(headers: Headers) -> int | None:
    return parse_delta_seconds(headers.get("expires") or "")


def _content_length(headers: Headers) -> int | None:
    value = headers.get("content-length")
    if value is None:
        return None
    length = parse_number(value, MAX_CONTENT_LENGTH)
    if length is None:
        raise SipParseError(400, "Malformed Content-Length")
    return length


def _has_tag(headers: Headers) -> bool:
    try:
        return headers.view("to", _to).tag is not None
    except SipParseError:
        return ";tag=" in _required(headers, "to")


# The views that must not raise once a message has been parsed.
RELIED_UPON = (
    ("via", _top_via),
    ("from", _from),
    ("to", _to),
    ("call-id", _call_id),
    ("cseq", _cseq),
    ("max-forwards", _max_forwards),
)
RELIED_UPON_IN_REQUESTS = (("contact", _contacts), ("route", _routes), ("record-route", _record_routes))
