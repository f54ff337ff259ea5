"""The answer for a fault on our side: come back later (RFC 3261 21.5.4)."""

import zlib

from sip_proxy.sip.grammar import parse_number
from sip_proxy.sip.message import Message, Request, Response, response_to
from sip_proxy.sip.reasons import REASONS

RETRY_AFTER_S = 10
SPREAD_S = 20  # so that all devices do not come back in the same second


def retry_later(request: Request, to_tag: str) -> Response:
    """503 with a Retry-After that differs from call to call."""
    return response_to(request, 503, to_tag=to_tag, headers=[("Retry-After", _pause(request))])


def make_retry_later(response: Response) -> None:
    """Turns a response that is about to go out into the same."""
    response.status, response.reason = 503, REASONS[503]
    response.headers.remove("Contact")
    response.headers.set("Retry-After", _pause(response))


def retry_after_s(response: Response) -> float | None:
    """How long a server asks us to stay away (RFC 3261 20.33); None: it does not."""
    value = response.headers.get("Retry-After") or ""
    digits = value.partition(";")[0].partition("(")[0].strip()
    return parse_number(digits, 2**32 - 1)


def _pause(message: Message) -> str:
    return str(RETRY_AFTER_S + zlib.crc32(message.call_id.encode("utf-8", "surrogateescape")) % SPREAD_S)
