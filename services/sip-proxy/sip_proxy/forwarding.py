"""Sends requests on and brings their responses back: the I/O-less glue between a `Fork` and its transactions."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import structlog

from sip_proxy import proxy
from sip_proxy.context import Context
from sip_proxy.effects import ClientKey, Flow, ServerKey
from sip_proxy.forking import (
    Abandon,
    CancelBranch,
    Failover,
    Finished,
    Fork,
    ForkEffects,
    Forward,
    RestartTimerC,
    StopTimerC,
    TryNext,
)
from sip_proxy.sip.message import Request, Response
from sip_proxy.sip.uri import is_secure
from sip_proxy.work import CancelArrived, ResponseArrived, TimerRan, TransactionEnded, TransactionFailed

log = structlog.get_logger(__name__)

_TIMER_C = "C "


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request goes: the Request-URI it gets, and the way there, by proxies in between if so."""

    uri: str
    flow: Flow
    routes: tuple[str, ...] = ()
    spares: tuple["Target", ...] = ()  # servers of the same kind, should that one be out of order (RFC 3263 4.3)


class Errand(Protocol):
    """One request on its way, and what its responses mean."""

    @property
    def server(self) -> ServerKey: ...
    @property
    def fork(self) -> Fork: ...

    async def relay(self, response: Response, flow: Flow | None) -> None:
        """A response is about to go upstream: change it where needed. `flow`: where it came from; None: our own."""

    async def unanswered(self) -> None:
        """No response will ever come, and none may be made up (RFC 4320)."""


@dataclass(slots=True)
class _Trip:
    """An errand under way."""

    errand: Errand
    request: Request
    record_route: bool
    later: list[Sequence[Target]]  # groups of targets not tried yet, the next one last
    spares: dict[ClientKey, tuple[Target, ...]] = field(default_factory=dict)

    def next_targets(self, effect: TryNext | Failover) -> Sequence[Target]:
        if isinstance(effect, TryNext):
            return self.later.pop()
        target, *spares = self.spares.pop(effect.branch)
        return [replace(target, spares=tuple(spares))]


class Forwarder:
    """All errands under way."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._trips: dict[ClientKey, _Trip] = {}
        self._invites: dict[ServerKey, _Trip] = {}  # those that a CANCEL may mean
        self._branches: Counter[ServerKey] = Counter()  # running client transactions of each errand

    def __len__(self) -> int:
        return len(self._trips)

    def copy_for(self, request: Request, target: Target, record_routes: Sequence[str] = ()) -> Request:
        """The request as this hop is sent it."""
        branch = proxy.new_branch(request, self._context.token())
        copy = proxy.forwarded(
            request,
            uri=target.uri,
            via=self._context.site.via(target.flow.transport, branch),
            record_routes=record_routes,
            realm=self._context.realm,
        )
        for route in reversed(target.routes):
            copy.headers.prepend("Route", route)
        return copy

    async def forward(
        self,
        errand: Errand,
        request: Request,
        targets: Sequence[Target],
        *,
        record_route: bool,
        later: Sequence[Sequence[Target]] = (),
    ) -> None:
        """Starts a branch to every target; to those of `later`, group by group, once all before have refused."""
        trip = _Trip(errand, request, record_route, list(later)[::-1])
        errand.fork.groups_left = len(later)
        if request.method == "INVITE":
            self._invites[errand.server] = trip
        await self._start(trip, targets)

    async def _start(self, trip: _Trip, targets: Sequence[Target]) -> None:
        errand = trip.errand
        for target in targets:
            record_routes = self._record_routes(errand, target) if trip.record_route else ()
            copy = self.copy_for(trip.request, target, record_routes)
            key = self._context.wire.start(copy, target.flow)
            self._trips[key] = trip
            self._branches[errand.server] += 1
            trip.spares[key] = target.spares
            await self._perform(trip, errand.fork.add(key, copy, target.flow, spare=bool(target.spares)), None)

    def _record_routes(self, errand: Errand, target: Target) -> tuple[str, ...]:
        incoming = self._context.wire.origin(errand.server)
        return self._context.site.record_routes(incoming, target.flow, secure=is_secure(errand.fork.request.uri))

    async def response(self, work: ResponseArrived) -> None:
        trip = self._trips.get(work.transaction)
        if trip is None:
            return  # the answer to a CANCEL or BYE of ours: nobody waits for it
        response = proxy.without_challenge_for(work.response, self._context.realm)
        if response is not work.response:
            log.warning("challenge in our name withheld", call_id=response.call_id, source=str(work.flow.remote))
        await self._perform(trip, trip.errand.fork.receive(work.transaction, response), work.flow)

    async def failed(self, work: TransactionFailed) -> None:
        trip = self._trips.get(work.transaction)
        if trip is not None:
            await self._perform(trip, trip.errand.fork.failed(work.transaction, work.why), None)

    def ended(self, work: TransactionEnded) -> None:
        trip = self._trips.pop(work.transaction, None)
        if trip is None:
            return
        server = trip.errand.server
        self._branches[server] -= 1
        if not self._branches[server]:
            del self._branches[server]
            self._invites.pop(server, None)

    async def timer(self, work: TimerRan) -> None:
        key = ClientKey(work.name.removeprefix(_TIMER_C), "INVITE")
        trip = self._trips.get(key)
        if work.name.startswith(_TIMER_C) and trip is not None:
            await self._perform(trip, trip.errand.fork.timer_c(key), None)

    async def cancel(self, work: CancelArrived) -> None:
        trip = self._invites.get(work.invite)
        if trip is not None:
            await self._perform(trip, trip.errand.fork.cancel(), None)

    async def _perform(self, trip: _Trip, effects: ForkEffects, flow: Flow | None) -> None:
        errand = trip.errand
        call_id = errand.fork.request.call_id
        for effect in effects:
            match effect:
                case Forward(response, branch):
                    await errand.relay(response, flow if branch is not None else None)
                    self._context.wire.respond(errand.server, response)
                case CancelBranch(cancel, branch_flow):
                    self._context.wire.start(cancel, branch_flow)
                case RestartTimerC(branch, after_cancel):
                    delay_s = self._context.timers.transaction if after_cancel else self._context.timers.c
                    self._context.wire.set_timer(call_id, _TIMER_C + branch.branch, delay_s)
                case StopTimerC(branch):
                    self._context.wire.cancel_timer(call_id, _TIMER_C + branch.branch)
                case Abandon(branch):
                    self._context.wire.abandon(branch)
                case TryNext() | Failover():
                    await self._start(trip, trip.next_targets(effect))
                case Finished(answered) if not answered:
                    self._context.wire.abandon(errand.server)
                    await errand.unanswered()
