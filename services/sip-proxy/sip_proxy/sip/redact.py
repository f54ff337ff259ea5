"""Takes the secrets out of a message before people see it: the SIP ladder, exports, logs."""

import re
from collections.abc import Callable

MAX_CHARS = 65_535
_HIDDEN = r"\1***"

# Messages are hostile and this runs on each of them: quantifiers are bounded or possessive, and a pattern only runs
# when the text has one of the words that it looks for.
_digest_values = re.compile(
    # also within a longer name: cnonce, nextnonce. The set comes first, for which `re` looks fast.
    r"([NnPpRr](?i:once|esponse|spauth|assw(?:or)?d)\s*+=\s*+)"
    r'(?:"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[^\s,;"&<>]++)',
    re.S,
).sub
_basic_credentials = re.compile(r"(authorization[ \t]*+:\s*+basic[ \t]++)[^\s]++", re.I).sub
# RFC 4568 (SDES), RFC 8866 5.12 (k=), RFC 8839 5.4 (ICE), RFC 4567 (MIKEY)
_media_keys = re.compile(r"((?:^|\n)(?:k=[a-z0-9]{1,16}:|a=(?:ice-pwd|key-mgmt):)|\binline:)[^\s|;]++", re.I).sub
_uri_password = re.compile(r'([Ss][Ii][Pp][Ss]?:[^\s@:<>"]{1,128}+:)[^\s@<>"]{1,128}+(?=@)').sub

_SEARCHES: tuple[tuple[tuple[str, ...], Callable[[str, str], str]], ...] = (
    (("nonce", "response", "rspauth", "passw"), _digest_values),
    (("basic",), _basic_credentials),
    (("inline:", "\nk=", "a=ice-pwd", "a=key-mgmt"), _media_keys),
    (("@",), _uri_password),
)


def redact(message: bytes | str) -> str:
    """The message as text, digests, passwords and media keys replaced by `***`, at most MAX_CHARS long.

    What is no UTF-8 becomes a replacement character. Control characters stay: escape them where the text is shown.
    """
    octets = message.encode("utf-8", "surrogateescape") if isinstance(message, str) else message
    text = octets.decode("utf-8", "replace")[:MAX_CHARS]
    lowered = text.lower()
    for words, substitute in _SEARCHES:
        if _has_any(lowered, words):
            text = substitute(_HIDDEN, text)
    return text[:MAX_CHARS]


def _has_any(text: str, words: tuple[str, ...]) -> bool:
    for word in words:  # noqa: SIM110  # any() takes twice as long
        if word in text:
            return True
    return False
