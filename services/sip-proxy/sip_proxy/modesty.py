"""No answer to a stranger is larger than his question: over UDP it may go to somebody who never asked, as many as a
forger likes, and we must not make his flood larger than it is."""

import re
from collections.abc import Callable

from sip_proxy.sip.fields import Headers
from sip_proxy.sip.message import Response

# A device that asks in few words could never sign in if it got no challenge. Each of those, and nothing else, may
# exceed the question: by less than the packet's own headers add to both.
CHALLENGE_MAY_EXCEED = 64
_CHALLENGES = ("WWW-Authenticate", "Proxy-Authenticate")
_default_algorithm = re.compile(r",[ ]?algorithm=MD5(?=,|\Z)").sub  # RFC 7616 3.3: what is meant where none is named


def within(response: Response, limit: int) -> bytes | None:
    """The response in at most so many octets, without what it can do without; None when that is not enough."""
    modest = response.copy()
    octets = modest.encode()
    for shorten in _SHORTENINGS:
        if len(octets) <= limit:
            return octets
        shorten(modest)
        octets = modest.encode()
    challenges = sum(len(modest.headers.get_all(name)) for name in _CHALLENGES)
    return octets if len(octets) <= limit + CHALLENGE_MAY_EXCEED * challenges else None


def _without(name: str) -> Callable[[Response], None]:
    def shorten(response: Response) -> None:
        response.headers.remove(name)

    return shorten


def _shorten_values(response: Response) -> None:
    """The spaces between the elements, and what goes without saying."""
    shorter = {"Allow": _dense_list, **dict.fromkeys(_CHALLENGES, _dense_challenge)}
    response.headers = Headers((name, shorter.get(name, str)(value)) for name, value in response.headers)


def _dense_list(value: str) -> str:
    return value.replace(", ", ",")


def _dense_challenge(value: str) -> str:
    return _default_algorithm("", value).replace('", ', '",')


def _shorten_reason(response: Response) -> None:
    response.reason = ""


# The least useful first. Compact header names (RFC 3261 7.3.3) would be made for this, if everybody knew them.
_SHORTENINGS = (
    _without("Supported"),
    _shorten_reason,
    _without("Content-Length"),  # RFC 3261 18.3: a datagram has an end
    _shorten_values,
    _without("Accept"),
    _without("Allow"),
)
