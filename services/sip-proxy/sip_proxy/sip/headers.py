"""Typed views of header field values: addresses, Via, CSeq, delta-seconds. Every parse_* raises SipParseError."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from sip_proxy.sip.errors import SipParseError, SipUriError, UnsupportedScheme
from sip_proxy.sip.grammar import (
    HOST,
    TOKEN,
    Params,
    check_host,
    find_param,
    format_params,
    has_param,
    match_quoted,
    parse_number,
    parse_params,
    quote,
    unquote,
)
from sip_proxy.sip.uri import OpaqueUri, SipUri, parse_target

MAX_CSEQ = 2**32 - 1  # RFC 3261 8.1.1.5 asks senders for less than 2**31; receivers can be kinder
# The same values come again in each message of a transaction or dialog: what was made of so many is kept.
KEPT = 512
MAX_DELTA_SECONDS = 2**32 - 1  # RFC 3261 20.19

_match_via = re.compile(
    rf"[Ss][Ii][Pp][ \t]*+/[ \t]*+[0-9]++\.[0-9]++[ \t]*+/[ \t]*+({TOKEN})[ \t]++"
    rf"({HOST})[ \t]*+(?::[ \t]*+([0-9]++)[ \t]*+)?(?=;|\Z)"
).match
_match_cseq = re.compile(rf"([0-9]++)[ \t]++({TOKEN})").fullmatch


@dataclass(frozen=True, slots=True)
class NameAddr:
    """The value of From, To, Contact, Route and their like: a display name, a URI, the header's own parameters."""

    display: str | None
    target: SipUri | OpaqueUri
    params: Params = ()

    @property
    def uri(self) -> SipUri:
        """The URI that can be routed; raises UnsupportedScheme when it is a tel: or another one."""
        if isinstance(self.target, OpaqueUri):
            raise UnsupportedScheme(self.target.scheme)
        return self.target

    @property
    def tag(self) -> str | None:
        return self.param("tag")

    def param(self, name: str) -> str | None:
        """The unquoted value of a header parameter; None when it is absent or a mere flag."""
        return find_param(self.params, name)

    def has_param(self, name: str) -> bool:
        return has_param(self.params, name)

    def __str__(self) -> str:
        display = "" if self.display is None else f"{quote(self.display)} "
        return f"{display}<{self.target}>{format_params(self.params)}"


@dataclass(frozen=True, slots=True)
class Via:
    """One hop (RFC 3261 20.42). `host` keeps the brackets of an IPv6 address, `transport` is upper case."""

    transport: str
    host: str
    port: int | None
    params: Params = ()

    @property
    def branch(self) -> str | None:
        return self.param("branch")

    @property
    def received(self) -> str | None:
        """An address without brackets; both forms are seen (RFC 5118 4.5)."""
        received = self.param("received")
        return None if received is None else received.strip("[]")

    @property
    def rport(self) -> int | None:
        """The port that somebody filled in; None also for the empty `rport` that asks for it (`has_param`)."""
        return parse_number(self.param("rport") or "", 65535)

    @property
    def sent_by(self) -> str:
        """host[:port] in lower case, the part that matches transactions (RFC 3261 17.2.3)."""
        host = self.host.lower()
        return host if self.port is None else f"{host}:{self.port}"

    def param(self, name: str) -> str | None:
        return find_param(self.params, name)

    def has_param(self, name: str) -> bool:
        return has_param(self.params, name)

    def with_params(self, values: Mapping[str, str]) -> "Via":
        """A copy where these parameters (in lower case) have these values, in their old places or at the end."""
        known = {name.lower() for name, _ in self.params}
        changed = [(name, values.get(name.lower(), value)) for name, value in self.params]
        added = [item for item in values.items() if item[0] not in known]
        return Via(self.transport, self.host, self.port, (*changed, *added))

    def __str__(self) -> str:
        port = "" if self.port is None else f":{self.port}"
        return f"SIP/2.0/{self.transport} {self.host}{port}{format_params(self.params)}"


@dataclass(frozen=True, slots=True)
class CSeq:
    number: int
    method: str

    def __str__(self) -> str:
        return f"{self.number} {self.method}"


@lru_cache(maxsize=KEPT)
def parse_name_addr(text: str) -> NameAddr:
    """`"Display" <uri>;params`, `display <uri>;params` or `uri;params`, where the parameters are the header's."""
    text = text.strip(" \t")
    display: str | None = None
    if text.startswith('"'):
        quoted = match_quoted(text)
        if quoted is None:
            raise SipParseError(400, "Unterminated Quoted String")
        display = unquote(quoted[0])
        text = text[quoted.end() :].lstrip(" \t")
        if not text.startswith("<"):
            raise SipParseError(400, "Malformed Address")
    bracket, semicolon = text.find("<"), text.find(";")
    if bracket < 0 or -1 < semicolon < bracket:
        return _parse_bare_address(text)
    if bracket > 0:
        display = _check_display(text[:bracket].rstrip(" \t"))
    address, closed, params = text[bracket + 1 :].partition(">")
    if not closed:
        raise SipParseError(400, "Unterminated Address")
    return NameAddr(display, parse_target(address), parse_params(params.lstrip(" \t")))


def parse_contacts(values: Sequence[str]) -> tuple[NameAddr, ...] | Literal["*"]:
    """All Contact values of a message, or the `*` that must stand alone (RFC 3261 10.2.2)."""
    if "*" not in values:
        return tuple(map(parse_name_addr, values))
    if len(values) > 1:
        raise SipParseError(400, "Contact * Among Others")
    return "*"


@lru_cache(maxsize=KEPT)
def parse_via(text: str) -> Via:
    found = _match_via(text)
    if found is None:
        raise SipParseError(400, "Malformed Via")
    transport, host, port = found.groups()
    number = None if port is None else parse_number(port, 65535)
    if port is not None and number is None:
        raise SipParseError(400, "Malformed Port in Via")
    check_host(host)
    return Via(transport.upper(), host, number, parse_params(text[found.end() :]))


@lru_cache(maxsize=KEPT)
def parse_cseq(text: str) -> CSeq:
    found = _match_cseq(text)
    number = None if found is None else parse_number(found[1], MAX_CSEQ)
    if found is None or number is None:
        raise SipParseError(400, "Malformed CSeq")
    return CSeq(number, found[2])


def parse_delta_seconds(text: str) -> int | None:
    """Seconds as Expires carries them; None when malformed or too large: RFC 3261 20.19 then wants the default."""
    return parse_number(text, MAX_DELTA_SECONDS)


def _parse_bare_address(text: str) -> NameAddr:
    address, semicolon, params = text.partition(";")
    address = address.rstrip(" \t")
    # RFC 3261 20.10: such a URI has to stand in <>, or it is unclear whose parameters follow.
    if "?" in address or "," in address:
        raise SipUriError("URI Needs Angle Brackets")
    return NameAddr(None, parse_target(address), parse_params(semicolon + params))


def _check_display(display: str) -> str:
    # Wider than token: unquoted UTF-8 and brackets are common; these five would make the address ambiguous.
    if any(character in display for character in ',"\\>;'):
        raise SipParseError(400, "Malformed Display Name")
    return display
