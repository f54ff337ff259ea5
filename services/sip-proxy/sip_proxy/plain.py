"""Requests outside of calls that are for a registered device: MESSAGE, OPTIONS, REFER and what else there will be."""

from shared.broker import BrokerLost
from sip_proxy.accounts import Accounts
from sip_proxy.context import Context
from sip_proxy.errands import PlainErrand
from sip_proxy.forking import Fork
from sip_proxy.forwarding import Forwarder
from sip_proxy.location import Location
from sip_proxy.sip.message import response_to
from sip_proxy.subscriptions import Subscriptions
from sip_proxy.targets import targets_of
from sip_proxy.unavailable import retry_later
from sip_proxy.work import RequestArrived


class PlainRequests:
    """Forwards them to every contact; nothing is anchored, and nothing remembered but what a REFER opens."""

    def __init__(
        self,
        context: Context,
        accounts: Accounts,
        location: Location,
        forwarder: Forwarder,
        subscriptions: Subscriptions,
    ) -> None:
        self._context = context
        self._subscriptions = subscriptions
        self._accounts = accounts
        self._location = location
        self._forwarder = forwarder

    async def to_device(self, work: RequestArrived) -> None:
        request = work.request
        aor = self._context.site.aor_of(request.parsed_uri)
        try:
            registered = await self._location.bindings(aor)
        except BrokerLost:
            self._context.wire.respond(work.transaction, retry_later(request, self._context.token()))
            return
        targets = targets_of(registered.live(self._context.now()), request, self._context.wire)
        if not targets:
            status = 480 if self._accounts.owns_user(aor.rpartition("@")[0]) else 404
            self._context.wire.respond(work.transaction, response_to(request, status, to_tag=self._context.token()))
            return
        request.headers.remove("Route")  # its target is one of ours
        if request.method == "REFER":
            await self._subscriptions.open(work, targets)
            return
        errand = PlainErrand(work.transaction, Fork(request, self._context.token()))
        first, *later = targets
        await self._forwarder.forward(errand, request, first, record_route=False, later=later)
