"""How long a session lasts unless it is refreshed: the headers of RFC 4028, as who answers reads and writes them."""

from dataclasses import dataclass
from typing import Literal

from sip_proxy.sip.errors import SipParseError
from sip_proxy.sip.grammar import find_param, parse_params
from sip_proxy.sip.headers import parse_delta_seconds
from sip_proxy.sip.message import Message, Request, Response

Refresher = Literal["uac", "uas"]  # of the request that is answered: who sent it, or we

MIN_SE_S = 90  # RFC 4028 5


class IntervalTooSmall(Exception):
    """RFC 4028 9: answer 422, with our Min-SE."""


@dataclass(frozen=True, slots=True)
class SessionInterval:
    """What a Session-Expires of ours says."""

    interval_s: int
    refresher: Refresher
    required: bool  # the other side knows session timers, and has to keep to this one

    def headers(self) -> tuple[tuple[str, str], ...]:
        """For the 2xx (RFC 4028 9)."""
        require = (("Require", "timer"),) if self.required else ()
        return (("Session-Expires", f"{self.interval_s};refresher={self.refresher}"), *require)


def granted(request: Request) -> SessionInterval | None:
    """Our answer to the Session-Expires of an INVITE or UPDATE (RFC 4028 9 and Table 2); None: it has none.

    Raises:
        IntervalTooSmall: it is shorter than MIN_SE_S, and the sender would understand why we refuse.
    """
    asked = _session_expires(request)
    if asked is None:
        return None
    interval_s, wish = asked
    if not _knows_timers(request):
        # a proxy has written it: only we are there to refresh, as often as suits us
        return SessionInterval(max(interval_s, MIN_SE_S), "uas", required=False)
    if interval_s < MIN_SE_S:
        raise IntervalTooSmall
    return SessionInterval(interval_s, wish or "uac", required=True)


def confirmed(asked_s: int, answer: Response) -> SessionInterval | None:
    """What the answer to a refresh of ours grants (RFC 4028 7.2); None: there is no session timer any more."""
    found = _session_expires(answer)
    if found is None:
        return None
    interval_s, refresher = found
    return SessionInterval(max(interval_s, min(asked_s, MIN_SE_S)), refresher or "uac", required=True)


def _session_expires(message: Message) -> tuple[int, Refresher | None] | None:
    """RFC 3261 8.2: what is malformed, and not necessary, is as if it was not there."""
    value = message.headers.get("Session-Expires")
    if value is None:
        return None
    seconds, semicolon, rest = value.partition(";")
    interval_s = parse_delta_seconds(seconds.strip(" \t"))
    try:
        refresher = (find_param(parse_params(semicolon + rest), "refresher") or "").lower()
    except SipParseError:
        return None
    if interval_s is None:
        return None
    return interval_s, "uac" if refresher == "uac" else "uas" if refresher == "uas" else None


def _knows_timers(request: Request) -> bool:
    options = [*request.headers.get_all("Supported"), *request.headers.get_all("Require")]
    return any(option.lower() == "timer" for option in options)
