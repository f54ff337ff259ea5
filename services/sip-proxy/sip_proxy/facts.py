"""What every security event says of the request that it is about."""

from typing import Any

from sip_proxy.effects import Flow
from sip_proxy.sip.message import Request
from sip_proxy.texts import clean, clean_or_none


def facts_of(request: Request, flow: Flow, now: float, account: str | None = None) -> dict[str, Any]:
    """The fields that all of them have; `account`: the name that was claimed or proven."""
    return {
        "at": now,
        "source": str(flow.remote),
        "transport": flow.transport,
        "method": clean(request.method, 64),
        "account": clean_or_none(account),
        "call_id": clean_or_none(request.call_id, 512),
    }
