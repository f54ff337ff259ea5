"""Accept-Language (RFC 3261 20.3): the language of ours that the other side likes best."""

from collections.abc import Sequence

from shared.events import Language
from sip_proxy.sip.errors import SipParseError
from sip_proxy.sip.grammar import find_param, parse_params

_SPOKEN: dict[str, Language] = {"en": "en", "it": "it"}


def preferred(accepted: Sequence[str], otherwise: Language) -> Language:
    """The highest q wins, among equals the first; what is malformed is passed over."""
    best, best_q = otherwise, 0.0
    for value in accepted:
        tag, semicolon, rest = value.partition(";")
        language = _SPOKEN.get(tag.strip(" \t").partition("-")[0].lower())
        q = _quality(semicolon + rest)
        if language is not None and q > best_q:
            best, best_q = language, q
    return best


def _quality(params: str) -> float:
    try:
        return float(find_param(parse_params(params.replace(" ", "")), "q") or 1)
    except (SipParseError, ValueError):
        return 0.0
