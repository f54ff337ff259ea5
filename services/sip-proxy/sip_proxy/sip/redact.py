"""Takes the secrets out of a message before people see it: the SIP ladder, exports, logs."""

import re

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
# What it hides always has this, and this is found several times faster: it begins with one certain character.
_has_password = re.compile(r':[^\s@:<>"]{1,128}+:[^\s@<>"]{1,128}+@').search

_DIGEST_WORDS = ("nonce", "response", "rspauth", "passw")
_KEY_WORDS = ("inline:", "\nk=", "a=ice-pwd", "a=key-mgmt")


def redact(message: bytes | str) -> str:
    """The message as text, digests, passwords and media keys replaced by `***`, at most MAX_CHARS long.

    What is no UTF-8 becomes a replacement character. Control characters stay: escape them where the text is shown.
    """
    octets = message.encode("utf-8", "surrogateescape") if isinstance(message, str) else message
    text = octets.decode("utf-8", "replace")[:MAX_CHARS]
    lowered = text.lower()
    first = _first(lowered, _DIGEST_WORDS)
    if first is not None:
        # the search is slow, and there is nothing before the first word; in lower case a text may be longer
        first = first if len(lowered) == len(text) else 0
        text = text[:first] + _digest_values(_HIDDEN, text[first:])
    if "basic" in lowered:
        text = _basic_credentials(_HIDDEN, text)
    if _first(lowered, _KEY_WORDS) is not None:
        text = _media_keys(_HIDDEN, text)
    if "@" in text and _has_password(text):
        text = _uri_password(_HIDDEN, text)
    return text[:MAX_CHARS]


def _first(text: str, words: tuple[str, ...]) -> int | None:
    """Where the first of these words is."""
    found = [at for word in words if (at := text.find(word)) >= 0]
    return min(found) if found else None
