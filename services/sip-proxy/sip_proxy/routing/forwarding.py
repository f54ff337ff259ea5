"""Sends requests on and brings their responses back: the I/O-less glue between a `Fork` and its transactions."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import structlog

from sip_proxy.carriers.outages import Outages
from sip_proxy.context import Context
from sip_proxy.effects import ClientKey, Flow, ServerKey
from sip_proxy.routing import proxy
from sip_proxy.routing.forking import (
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
from sip_proxy.unavailable import retry_after_s
from sip_proxy.work import CancelArrived, ResponseArrived, TimerRan, TransactionEnded, TransactionFailed

log = structlog.get_logger(__name__)

_TIMER_C = "C "
_OVERDUE = "overdue "
# How long a server may give no sign of life, in T1: after four transmissions the next one is tried; the last one has
# longer, but an answer must still reach a caller whose own transaction ends after 64.
_PATIENCE, _LAST_PATIENCE = 8, 32


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request goes: the Request-URI it gets, and the way there, by proxies in between if so."""

    uri: str
    flow: Flow
    routes: tuple[str, ...] = ()
    spares: tuple["Target", ...] = ()  # servers of the same kind, should that one be out of order (RFC 3263 4.3)
    server: str | None = None  # its name, if it is one: it may be connected to, and is not waited for as long


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
    targets: dict[ClientKey, Target] = field(default_factory=dict)

    def next_targets(self, effect: TryNext | Failover) -> Sequence[Target]:
        if isinstance(effect, TryNext):
            return self.later.pop()
        target, *spares = self.targets.pop(effect.branch).spares
        return [replace(target, spares=tuple(spares))]


class Forwarder:
    """All errands under way."""

    def __init__(self, context: Context, outages: Outages) -> None:
        self._context = context
        self._outages = outages
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
            if target.server is not None:
                self._context.wire.connect(target.flow, target.server)
            key = self._context.wire.start(copy, target.flow)
            self._trips[key] = trip
            self._branches[errand.server] += 1
            trip.targets[key] = target
            if target.server is not None:
                patience = _PATIENCE if target.spares else _LAST_PATIENCE
                self._context.wire.set_timer(copy.call_id, _overdue(key), patience * self._context.timers.t1)
            await self._perform(trip, errand.fork.add(key, copy, target.flow, spare=bool(target.spares)), None)

    def _record_routes(self, errand: Errand, target: Target) -> tuple[str, ...]:
        incoming = self._context.wire.origin(errand.server)
        return self._context.site.record_routes(incoming, target.flow, secure=is_secure(errand.fork.request.uri))

    async def response(self, work: ResponseArrived) -> None:
        trip = self._trips.get(work.transaction)
        if trip is None:
            return  # the answer to a CANCEL or BYE of ours: nobody waits for it
        self._note_answer(trip, work)
        response = proxy.without_challenge_for(work.response, self._context.realm)
        if response is not work.response:
            log.warning("challenge in our name withheld", call_id=response.call_id, source=str(work.flow.remote))
        await self._perform(trip, trip.errand.fork.receive(work.transaction, response), work.flow)

    async def failed(self, work: TransactionFailed) -> None:
        trip = self._trips.get(work.transaction)
        if trip is not None:
            self._note_failure(trip, work.transaction)
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
        elif work.name.startswith(_OVERDUE):
            await self._overdue(ClientKey(*work.name.removeprefix(_OVERDUE).split(" ", 1)))

    async def _overdue(self, key: ClientKey) -> None:
        trip = self._trips.get(key)
        effects = () if trip is None else trip.errand.fork.overdue(key)
        if trip is not None and effects:
            self._note_failure(trip, key)
            await self._perform(trip, effects, None)

    def _note_answer(self, trip: _Trip, work: ResponseArrived) -> None:
        target = trip.targets.get(work.transaction)
        if target is None or target.server is None:
            return
        self._context.wire.cancel_timer(work.response.call_id, _overdue(work.transaction))
        pause_s = retry_after_s(work.response) if work.response.status == 503 else None
        if pause_s is None:
            self._outages.up(target.flow)
        else:
            self._outages.down(target.flow, pause_s)

    def _note_failure(self, trip: _Trip, key: ClientKey) -> None:
        target = trip.targets.get(key)
        if target is not None and target.server is not None:
            self._outages.down(target.flow)

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


def _overdue(key: ClientKey) -> str:
    return f"{_OVERDUE}{key.branch} {key.method}"
