"""When a session that passes through us is over (RFC 4028): the parties refresh it, we see when nobody does."""

from sip_proxy.sip.headers import parse_delta_seconds
from sip_proxy.sip.message import Response


def is_refresh(response: Response) -> bool:
    """Whether this answer says how long the session lasts from now on (RFC 4028 8.2)."""
    return 200 <= response.status < 300 and response.cseq.method in ("INVITE", "UPDATE")


def expires_at(response: Response, now: float) -> float | None:
    """When the session ends unless it is refreshed again; None: it has no timer, or none that can be read."""
    value = response.headers.get("Session-Expires") or ""
    interval_s = parse_delta_seconds(value.partition(";")[0].strip(" \t"))
    return None if interval_s is None else now + interval_s
