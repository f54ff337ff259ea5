"""Text from the wire, made fit for events: SIP carries any octets (as surrogate escapes here), JSON does not."""


def is_unicode(text: str) -> bool:
    """Whether the text was valid UTF-8 on the wire."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def clean(text: str, limit: int = 256) -> str:
    """The text with what is not Unicode replaced, cut to the limit."""
    if text.isascii():
        return text[:limit]
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")[:limit]


def clean_or_none(text: str | None, limit: int = 256) -> str | None:
    """None for a missing or empty text."""
    return clean(text, limit) if text else None
