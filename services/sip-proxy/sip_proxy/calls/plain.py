"""Requests outside of calls that are for a registered device: MESSAGE, OPTIONS, REFER and what else there will be."""

from shared.broker import BrokerLost
from sip_proxy.calls.callees import Callees
from sip_proxy.calls.subscriptions import Subscriptions
from sip_proxy.context import Context
from sip_proxy.errands import PlainErrand
from sip_proxy.routing.forking import Fork
from sip_proxy.routing.forwarding import Forwarder
from sip_proxy.unavailable import retry_later
from sip_proxy.work import RequestArrived


class PlainRequests:
    """Forwards them to every contact; nothing is anchored, and nothing remembered but what a REFER opens."""

    def __init__(
        self,
        context: Context,
        callees: Callees,
        forwarder: Forwarder,
        subscriptions: Subscriptions,
    ) -> None:
        self._context = context
        self._subscriptions = subscriptions
        self._callees = callees
        self._forwarder = forwarder

    async def to_device(self, work: RequestArrived) -> None:
        request = work.request
        aor = self._context.site.aor_of(request.parsed_uri)
        try:
            targets = await self._callees.targets(aor, request)
        except BrokerLost:
            self._context.wire.respond(work.transaction, retry_later(request, self._context.token()))
            return
        if not targets:
            self._context.wire.respond(work.transaction, self._callees.absence(aor, request))
            return
        request.headers.remove("Route")  # its target is one of ours
        if request.method == "REFER":
            await self._subscriptions.open(work, targets)
            return
        errand = PlainErrand(work.transaction, Fork(request, self._context.token()))
        first, *later = targets
        await self._forwarder.forward(errand, request, first, record_route=False, later=later)
