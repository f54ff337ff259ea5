"""Dialogs without a call: a REFER outside of one opens a subscription (RFC 3515 2.4.4), whose NOTIFYs are led from one
device to the other as requests inside a call are."""

from dataclasses import dataclass, field

import structlog
from pydantic import Field

from shared.broker import BrokerLost, State
from shared.events import SECURITY, Value
from sip_proxy.calls.speakers import unexpected_address
from sip_proxy.context import Context
from sip_proxy.documents import read
from sip_proxy.effects import Flow
from sip_proxy.errands import PlainErrand
from sip_proxy.routing import proxy
from sip_proxy.routing.forking import Fork
from sip_proxy.routing.forwarding import Forwarder, Target
from sip_proxy.sip.message import Request, Response, response_to
from sip_proxy.work import RequestArrived

log = structlog.get_logger(__name__)

PREFIX = "vqm:dialog:"
TTL_S = 3600.0  # from the last request: a transfer is over within minutes
MAX_CALLEES = 16  # of one REFER that forked


class Subscription(Value):
    """What must be known of such a dialog to lead its requests."""

    caller_tag: str
    caller_flow: str
    callee_hosts: tuple[str, ...]  # where it was sent, and so where it may be answered from
    callee_flows: dict[str, str] = Field(default_factory=dict)  # by the tag of each that accepted

    def way_of(self, request: Request, source: Flow) -> tuple[Flow | None, bool]:
        """Where a request of this dialog goes, None when it is of another; and whether its sender may have sent it."""
        sender, receiver = request.from_().tag or "", request.to().tag or ""
        host = source.remote.host
        if receiver == self.caller_tag:
            return Flow.from_text(self.caller_flow), host in self.callee_hosts
        if sender == self.caller_tag and receiver in self.callee_flows:
            known = host == Flow.from_text(self.caller_flow).remote.host
            return Flow.from_text(self.callee_flows[receiver]), known
        return None, False


class Subscriptions:
    """Keeps them in Redis, so that any proxy leads their requests."""

    def __init__(self, context: Context, state: State, forwarder: Forwarder) -> None:
        self._context = context
        self._state = state
        self._forwarder = forwarder

    async def open(self, work: RequestArrived, targets: list[list[Target]]) -> None:
        """Forwards the request that opens one. It is kept before: a NOTIFY may overtake the 202 (RFC 6665 4.1.2.4)."""
        subscription = Subscription(
            caller_tag=work.request.from_().tag or "",
            caller_flow=work.flow.to_text(),
            callee_hosts=tuple({target.flow.remote.host for group in targets for target in group}),
        )
        await self._keep(work.request.call_id, subscription)
        errand = _Opening(work.transaction, Fork(work.request, self._context.token()), self, subscription)
        first, *later = targets
        await self._forwarder.forward(errand, work.request, first, record_route=True, later=later)

    async def accepted(self, opening: "_Opening", response: Response, flow: Flow) -> None:
        known = opening.subscription.callee_flows
        if response.status >= 300 or len(known) >= MAX_CALLEES:
            return
        flows = {**known, response.to().tag or "": flow.to_text()}
        opening.subscription = opening.subscription.model_copy(update={"callee_flows": flows})
        await self._keep(response.call_id, opening.subscription)

    async def request(self, work: RequestArrived) -> bool:
        """Leads a request inside one; False when it is of none.

        Raises:
            BrokerLost: nobody knows now.
        """
        request = work.request
        subscription = read(Subscription, await self._state.get(PREFIX + request.call_id))
        if subscription is None:
            return False
        flow, may_send = subscription.way_of(request, work.flow)
        if flow is None:
            return False
        way = self._context.wire.way(flow)
        if not may_send:
            event = unexpected_address(request, work.flow, self._context.now(), "not an address of the subscription")
            self._context.publish(SECURITY, event)
            self._context.wire.refuse(work, response_to(request, 403, to_tag=None))
        elif way is None:
            self._context.wire.respond(work.transaction, response_to(request, 480, to_tag=None))
        else:
            proxy.take_own_routes(request, self._context.site)
            errand = PlainErrand(work.transaction, Fork(request, self._context.token()))
            await self._forwarder.forward(errand, request, [Target(request.uri, way)], record_route=True)
        return True

    async def _keep(self, call_id: str, subscription: Subscription) -> None:
        try:
            await self._state.put(PREFIX + call_id, subscription.model_dump_json(), TTL_S)
        except BrokerLost as error:
            log.warning("subscription not kept, its notifications will be refused", call_id=call_id, error=str(error))


@dataclass(slots=True)
class _Opening(PlainErrand):
    """The errand of the request that opens a subscription."""

    subscriptions: Subscriptions = field(repr=False)
    subscription: Subscription

    async def relay(self, response: Response, flow: Flow | None) -> None:
        if flow is not None and response.status >= 200:
            await self.subscriptions.accepted(self, response, flow)
