"""The answer for a fault on our side: come back later (RFC 3261 21.5.4)."""

import zlib

from sip_proxy.sip.message import Request, Response, response_to

RETRY_AFTER_S = 10
SPREAD_S = 20  # so that all devices do not come back in the same second


def retry_later(request: Request, to_tag: str) -> Response:
    """503 with a Retry-After that differs from call to call."""
    spread = zlib.crc32(request.call_id.encode("utf-8", "surrogateescape")) % SPREAD_S
    return response_to(request, 503, to_tag=to_tag, headers=[("Retry-After", str(RETRY_AFTER_S + spread))])
