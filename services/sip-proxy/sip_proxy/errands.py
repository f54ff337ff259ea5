"""An errand that only passes."""

from dataclasses import dataclass

from sip_proxy.effects import Flow, ServerKey
from sip_proxy.routing.forking import Fork
from sip_proxy.sip.message import Response


@dataclass(slots=True)
class PlainErrand:
    """An errand without consequences."""

    server: ServerKey
    fork: Fork

    async def relay(self, response: Response, flow: Flow | None) -> None:
        """Passes as it is."""

    async def unanswered(self) -> None:
        """RFC 4320: nobody is told."""
