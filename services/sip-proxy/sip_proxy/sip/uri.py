"""SIP and SIPS URIs (RFC 3261 19.1): parsing, writing, comparing, and the address of record."""

import re
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote, unquote_to_bytes

from sip_proxy.sip.errors import SipParseError, SipUriError, UnsupportedScheme
from sip_proxy.sip.grammar import HOST, UNPRINTABLE, Params, check_host, format_params, parse_number

__all__ = [
    "OpaqueUri",
    "SipUri",
    "SipUriError",
    "UnsupportedScheme",
    "is_secure",
    "parse_target",
    "parse_uri",
    "uris_equal",
]

MAX_URI_CHARS = 1024  # twice Kamailio's default for a Request-URI
MAX_AOR_CHARS = 512  # what the events of this system hold

# Wider than the grammar: dialled '#', UTF-8 and the like reach us unescaped and must reach the other side too.
_match = re.compile(
    r"([Ss][Ii][Pp][Ss]?):"
    rf'(?:([^{UNPRINTABLE}@:<>"]++)(?::([^{UNPRINTABLE}@<>"]*+))?@)?'
    rf"({HOST})(?::([0-9]++))?"
    rf'((?:;[^{UNPRINTABLE};?@<>"]++)*+)'
    rf'(?:\?([^{UNPRINTABLE}<>"]*+))?'
).fullmatch
_match_other = re.compile(rf'([A-Za-z][A-Za-z0-9+.\-]*+):[^{UNPRINTABLE}<>"]++').fullmatch
_escapes = re.compile(r"%([0-9A-Fa-f]{2})")
_is_plain = re.compile(r"[A-Za-z0-9_.!~*'()&=+$,;?/#\-]*+").fullmatch
_USER_SAFE = "!~*'()&=+$,;?/#"
# RFC 3261 19.1.4: an escaped character equals the plain one, unless it is reserved. '%' stays escaped too:
# "%253B" must not become "%3B", which is something else.
_KEPT_ESCAPED = frozenset(";/?:@&=+$,%")
# RFC 3261 19.1.4: found in one URI only, these make a difference even with their default value.
_DECISIVE_PARAMS = frozenset({"user", "ttl", "method", "maddr", "transport"})


@dataclass(frozen=True, slots=True)
class SipUri:
    """`host` keeps the brackets of an IPv6 address; user, password, parameters and headers keep their escapes."""

    scheme: str
    user: str | None
    password: str | None
    host: str
    port: int | None
    params: Params = ()
    headers: str | None = None

    def param(self, name: str) -> str | None:
        """The value of a parameter; None when it is absent or a mere flag."""
        return dict(reversed(_named(self.params))).get(name.lower())

    def has_param(self, name: str) -> bool:
        """Whether the parameter is there, however it is escaped: `%6C%72` is a way to write `lr`."""
        return any(known == name.lower() for known, _ in _named(self.params))

    @property
    def address(self) -> str:
        """The host as a resolver or a socket wants it: without brackets."""
        return self.host.strip("[]")

    def aor(self) -> str:
        """The canonical address of record (RFC 3261 10.3 step 5): `user@host`, unescaped, without parameters.

        What cannot stand in a user part remains escaped, so that `%00` and `%40` cut nothing off and nothing
        forged reaches a log or a key.
        """
        host = self.host.lower()
        if self.user is None:
            return host
        if _is_plain(self.user):
            return f"{self.user}@{host}"
        octets = unquote_to_bytes(self.user.encode("utf-8", "surrogateescape"))
        return f"{quote(octets, safe=_USER_SAFE)}@{host}"

    def __str__(self) -> str:
        user = "" if self.user is None else f"{self.user}@"
        if self.password is not None:
            user = f"{self.user}:{self.password}@"
        port = "" if self.port is None else f":{self.port}"
        headers = "" if self.headers is None else f"?{self.headers}"
        return f"{self.scheme}:{user}{self.host}{port}{format_params(self.params)}{headers}"


@dataclass(frozen=True, slots=True)
class OpaqueUri:
    """A URI of another scheme (tel:, http:): carried along, never routed."""

    scheme: str
    text: str

    def __str__(self) -> str:
        return self.text


# The same few URIs come again with every message of a dialog and with every refresh of a registration.
@lru_cache(maxsize=2048)
def parse_uri(text: str) -> SipUri:
    """Parses a sip: or sips: URI; raises UnsupportedScheme for another scheme, SipUriError for what is no URI."""
    if len(text) > MAX_URI_CHARS:
        raise SipUriError("URI Too Long")
    found = _match(text)
    if found is None:
        other = _match_other(text)
        if other is not None and other[1].lower() not in ("sip", "sips"):
            raise UnsupportedScheme(other[1].lower())
        raise SipUriError("Malformed URI")
    scheme, user, password, host, port, params, headers = found.groups()
    number = None if port is None else parse_number(port, 65535)
    if port is not None and number is None:
        raise SipUriError("Malformed Port in URI")
    _check_uri_host(host)
    _check_length(user, host)
    return SipUri(scheme.lower(), user, password, host, number, _parse_params(params), headers)


def parse_target(text: str) -> SipUri | OpaqueUri:
    """A URI of any scheme, as From, To and Contact may carry (RFC 4475 3.3.4); raises SipUriError."""
    try:
        return parse_uri(text)
    except UnsupportedScheme as error:
        return OpaqueUri(error.scheme, text)


def is_secure(uri: str) -> bool:
    """Whether it is of the sips: scheme, and so must not leave TLS (RFC 3261 26.2.2)."""
    return uri[:5].lower() == "sips:"


def uris_equal(a: SipUri, b: SipUri) -> bool:
    """RFC 3261 19.1.4. A default port and a written 5060 differ; parameters only one URI has mostly do not count."""
    (key, params), (other_key, other_params) = comparison_key(a), comparison_key(b)
    return key == other_key and all(params[name] == other_params[name] for name in params.keys() & other_params.keys())


def comparison_key(uri: SipUri) -> tuple[str, dict[str, str]]:
    """A URI for comparisons: two are equal if their keys are, and every parameter that both have (RFC 3261 19.1.4).

    The key alone cannot decide: `sip:a@h` equals both `sip:a@h;x=1` and `sip:a@h;x=2`, which are not equal.
    """
    params = {name: _comparable(value).lower() for name, value in reversed(_named(uri.params))}
    decisive = {name: value for name, value in params.items() if name in _DECISIVE_PARAMS}
    parts = (
        uri.scheme,
        _comparable(uri.user),
        _comparable(uri.password),
        uri.host.lower(),
        uri.port,
        sorted(decisive.items()),
        _comparable_headers(uri.headers),
    )
    return repr(parts), {name: value for name, value in params.items() if name not in _DECISIVE_PARAMS}


def _parse_params(text: str) -> Params:
    if not text:
        return ()
    params: list[tuple[str, str | None]] = []
    for piece in text[1:].split(";"):
        name, equals, value = piece.partition("=")
        if not name:
            raise SipUriError("Malformed URI Parameter")
        params.append((name, value if equals else None))
    return tuple(params)


def _check_uri_host(host: str) -> None:
    try:
        check_host(host)
    except SipParseError as error:
        raise SipUriError(error.reason) from None


def _check_length(user: str | None, host: str) -> None:
    # An octet that has to be escaped takes three characters in the address of record.
    length = 0 if user is None else len(user) if _is_plain(user) else 3 * len(user.encode())
    if length + 1 + len(host) > MAX_AOR_CHARS:
        raise SipUriError("Address Too Long")


def _named(params: Params) -> list[tuple[str, str | None]]:
    return [(_comparable(name).lower(), value) for name, value in params]


def _comparable_headers(headers: str | None) -> list[tuple[str, str]]:
    pieces = [piece.partition("=") for piece in (headers or "").split("&") if piece]
    return sorted((_comparable(name).lower(), _comparable(value)) for name, _, value in pieces)


def _comparable(text: str | None) -> str:
    """One pass of unescaping; absent counts as empty."""
    if text is None or "%" not in text:
        return text or ""
    return _escapes.sub(_unescape_one, text)


def _unescape_one(escape: re.Match[str]) -> str:
    character = chr(int(escape[1], 16))
    return escape[0].upper() if character in _KEPT_ESCAPED or character >= "\x80" else character
