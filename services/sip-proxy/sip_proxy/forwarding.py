"""Sends requests on and brings their responses back: the I/O-less glue between a `Fork` and its transactions."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from sip_proxy import proxy
from sip_proxy.context import Context
from sip_proxy.effects import ClientKey, Flow, ServerKey
from sip_proxy.forking import (
    Abandon,
    CancelBranch,
    Finished,
    Fork,
    ForkEffects,
    Forward,
    RestartTimerC,
    StopTimerC,
)
from sip_proxy.sip.message import Request, Response
from sip_proxy.targets import is_secure
from sip_proxy.work import CancelArrived, ResponseArrived, TimerRan, TransactionEnded, TransactionFailed

_TIMER_C = "C "


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request goes: the Request-URI it gets, and the way there."""

    uri: str
    flow: Flow


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


class Forwarder:
    """All errands under way."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._errands: dict[ClientKey, Errand] = {}
        self._invites: dict[ServerKey, Errand] = {}  # those that a CANCEL may mean
        self._branches: Counter[ServerKey] = Counter()  # running client transactions of each errand

    def __len__(self) -> int:
        return len(self._errands)

    def copy_for(self, request: Request, target: Target, record_routes: Sequence[str] = ()) -> Request:
        """The request as this hop is sent it."""
        branch = proxy.new_branch(request, self._context.token())
        return proxy.forwarded(
            request,
            uri=target.uri,
            via=self._context.site.via(target.flow.transport, branch),
            record_routes=record_routes,
            realm=self._context.realm,
        )

    async def forward(self, errand: Errand, request: Request, targets: Sequence[Target], *, record_route: bool) -> None:
        """Starts a branch to every target."""
        if request.method == "INVITE":
            self._invites[errand.server] = errand
        for target in targets:
            copy = self.copy_for(request, target, self._record_routes(errand, target) if record_route else ())
            key = self._context.wire.start(copy, target.flow)
            self._errands[key] = errand
            self._branches[errand.server] += 1
            await self._perform(errand, errand.fork.add(key, copy, target.flow), None)

    def _record_routes(self, errand: Errand, target: Target) -> tuple[str, ...]:
        incoming = self._context.wire.origin(errand.server)
        return self._context.site.record_routes(incoming, target.flow, secure=is_secure(errand.fork.request.uri))

    async def response(self, work: ResponseArrived) -> None:
        errand = self._errands.get(work.transaction)
        if errand is not None:  # else the answer to a CANCEL or BYE of ours: nobody waits for it
            await self._perform(errand, errand.fork.receive(work.transaction, work.response), work.flow)

    async def failed(self, work: TransactionFailed) -> None:
        errand = self._errands.get(work.transaction)
        if errand is not None:
            await self._perform(errand, errand.fork.failed(work.transaction, work.why), None)

    def ended(self, work: TransactionEnded) -> None:
        errand = self._errands.pop(work.transaction, None)
        if errand is None:
            return
        self._branches[errand.server] -= 1
        if not self._branches[errand.server]:
            del self._branches[errand.server]
            self._invites.pop(errand.server, None)

    async def timer(self, work: TimerRan) -> None:
        key = ClientKey(work.name.removeprefix(_TIMER_C), "INVITE")
        errand = self._errands.get(key)
        if work.name.startswith(_TIMER_C) and errand is not None:
            await self._perform(errand, errand.fork.timer_c(key), None)

    async def cancel(self, work: CancelArrived) -> None:
        errand = self._invites.get(work.invite)
        if errand is not None:
            await self._perform(errand, errand.fork.cancel(), None)

    async def _perform(self, errand: Errand, effects: ForkEffects, flow: Flow | None) -> None:
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
                case Finished(answered):
                    if not answered:
                        self._context.wire.abandon(errand.server)
                        await errand.unanswered()
