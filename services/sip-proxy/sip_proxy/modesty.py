"""No answer to a stranger is larger than his question: over UDP it may go to somebody who never asked, as many as a
forger likes, and we must not make his flood larger than it is."""

from collections.abc import Callable

from sip_proxy.sip.fields import Headers
from sip_proxy.sip.message import Response

# A device that asks in few words could never sign in if it got no challenge: all but that has to fit.
_CHALLENGES = ("WWW-Authenticate", "Proxy-Authenticate")


def within(response: Response, limit: int) -> bytes | None:
    """The response in at most so many octets, without what it can do without; None when that is not enough."""
    modest = response.copy()
    octets = modest.encode()
    for shorten in _SHORTENINGS:
        if len(octets) <= limit:
            return octets
        shorten(modest)
        octets = modest.encode()
    challenges = sum(len(name) + len(value) for name in _CHALLENGES for value in modest.headers.get_all(name))
    return octets if len(octets) <= limit + challenges else None


def _without(name: str) -> Callable[[Response], None]:
    def shorten(response: Response) -> None:
        response.headers.remove(name)

    return shorten


def _shorten_values(response: Response) -> None:
    """The spaces between the elements. All of a challenge stays, as careless phones look for it."""
    shorter = {"Allow": _dense_list, **dict.fromkeys(_CHALLENGES, _dense_challenge)}
    response.headers = Headers((name, shorter.get(name, str)(value)) for name, value in response.headers)


def _dense_list(value: str) -> str:
    return value.replace(", ", ",")


def _dense_challenge(value: str) -> str:
    return value.replace('", ', '",').replace(", qop=", ",qop=")  # never within the realm, which is quoted first


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
