"""Pieces of the SIP grammar (RFC 3261 25.1) that many header fields share. Every pattern runs in linear time.

Linear because repetitions are possessive (`*+`): what a peer sends must never make a pattern try twice.
"""

import re
from functools import lru_cache
from ipaddress import AddressValueError, IPv6Address

from sip_proxy.sip.errors import SipParseError

Params = tuple[tuple[str, str | None], ...]

TOKEN = r"[A-Za-z0-9\-.!%*_+`'~]++"  # noqa: S105 - the grammar, not a secret
QUOTED = r'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
# Inside a character class: controls, the space, and octets that are no UTF-8 (surrogate escapes). Where these are
# excluded, what passes can go into JSON, logs and keys as it is.
UNPRINTABLE = r"\x00-\x20\x7f\ud800-\udfff"
# Underscores are no host name characters, but real device names have them.
HOST = r"(?:\[[0-9A-Fa-f:.]++\]|[A-Za-z0-9_.\-]++)"

_MAX_DIGITS = 10  # of 2**32 - 1, the largest number in SIP

is_token = re.compile(TOKEN).fullmatch
match_quoted = re.compile(QUOTED, re.S).match
_match_param = re.compile(
    rf';[ \t]*+({TOKEN})[ \t]*+(?:=[ \t]*+({QUOTED}|[^{UNPRINTABLE};,"<>]*+)[ \t]*+)?', re.S
).match
# An open quote or bracket swallows the rest, so that no later position is tried again.
_find_list_pieces = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)|<[^>]*+>?|,', re.S).finditer
_unescape = re.compile(r"\\(.)", re.S)


def split_list(value: str) -> list[str]:
    """The elements of a comma-separated value; commas in quotes and in <> do not count, empty elements are dropped."""
    if "," not in value:
        return [value] if value else []
    if '"' not in value and "<" not in value:
        pieces = value.split(",")
    else:
        pieces, start = [], 0
        for piece in _find_list_pieces(value):
            if piece.group() == ",":
                pieces.append(value[start : piece.start()])
                start = piece.end()
        pieces.append(value[start:])
    return [stripped for piece in pieces if (stripped := piece.strip(" \t"))]


def parse_params(text: str) -> Params:
    """`;name=value;flag` up to the end of the text; values stay as written, quotes included."""
    if not text:
        return ()
    params: list[tuple[str, str | None]] = []
    at, end = 0, len(text)
    while at < end:
        found = _match_param(text, at)
        if found is None:
            raise SipParseError(400, "Malformed Header Parameter")
        params.append((found[1], found[2]))
        at = found.end()
    return tuple(params)


def find_param(params: Params, name: str) -> str | None:
    """The value of the first parameter of that name, unquoted; None when it is absent or a mere flag."""
    name = name.lower()
    for known, value in params:
        if known.lower() == name:
            return unquote(value) if value is not None else None
    return None


def has_param(params: Params, name: str) -> bool:
    """Whether the parameter is there at all, with or without a value."""
    name = name.lower()
    return any(known.lower() == name for known, _ in params)


def format_params(params: Params) -> str:
    return "".join(f";{name}" if value is None else f";{name}={value}" for name, value in params)


def quote(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def unquote(text: str) -> str:
    """The meaning of a quoted string; any other text is its own meaning."""
    if len(text) < 2 or text[0] != '"' or text[-1] != '"':
        return text
    inner = text[1:-1]
    return _unescape.sub(r"\1", inner) if "\\" in inner else inner


@lru_cache(maxsize=1024)
def parse_number(text: str, limit: int) -> int | None:
    """Decimal digits with a value up to limit, leading zeros allowed; None for anything else.

    Counts digits before it converts: int() is quadratic, and refuses more than 4300 of them.
    """
    if not (text.isascii() and text.isdigit()):
        return None
    digits = text.lstrip("0")
    if len(digits) > _MAX_DIGITS:
        return None
    number = int(digits or "0")
    return number if number <= limit else None


def check_host(host: str) -> None:
    """Refuses a bracketed host that is no IPv6 address; raises SipParseError."""
    if host[0] != "[":
        return
    try:
        IPv6Address(host[1:-1])
    except AddressValueError:
        raise SipParseError(400, "Malformed IPv6 Address") from None
