"""The response context of a forwarded request (RFC 3261 16.7 to 16.10): which response goes upstream, which branches
are cancelled. Pure: responses, failures and timer C in; what to do, as values, out."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from sip_proxy.effects import ClientKey, Failure, Flow
from sip_proxy.sip.message import Request, Response, response_to
from sip_proxy.sip.transactions.requests import cancel_for


@dataclass(frozen=True, slots=True)
class Forward:
    """Send this response upstream; our Via is already gone from it."""

    response: Response
    branch: ClientKey | None  # None: the response is our own


@dataclass(frozen=True, slots=True)
class CancelBranch:
    """Send this CANCEL in a transaction of its own."""

    cancel: Request
    flow: Flow


@dataclass(frozen=True, slots=True)
class RestartTimerC:
    """Wait for the branch from now on: for timer C, or, after a CANCEL, for 64*T1 (RFC 3261 9.1)."""

    branch: ClientKey
    after_cancel: bool = False


@dataclass(frozen=True, slots=True)
class StopTimerC:
    branch: ClientKey


@dataclass(frozen=True, slots=True)
class Abandon:
    """End the client transaction: no answer is awaited any more."""

    branch: ClientKey


@dataclass(frozen=True, slots=True)
class TryNext:
    """All targets so far have refused: start branches to the next ones (RFC 3261 16.6, sequential search)."""


@dataclass(frozen=True, slots=True)
class Failover:
    """The server of this branch is out of order, the branch counts no more: try the next server in its place
    (RFC 3263 4.3)."""

    branch: ClientKey


@dataclass(frozen=True, slots=True)
class Finished:
    """Every branch has come to its end."""

    answered: bool  # a final response went upstream


ForkEffect = Forward | CancelBranch | RestartTimerC | StopTimerC | Abandon | TryNext | Failover | Finished
ForkEffects = tuple[ForkEffect, ...]

# RFC 3261 16.7 step 6: those that tell the caller how to do better come first
_HELPFUL = (401, 407, 415, 420, 484)


@dataclass(slots=True)
class _Branch:
    request: Request
    flow: Flow
    spare: bool  # there is another server to try when this one is out of order
    rings: bool = False  # a provisional came: it may be cancelled now
    cancel_wanted: bool = False
    cancel_sent: bool = False
    final: Response | None = None
    failed: bool = False

    @property
    def pending(self) -> bool:
        return self.final is None and not self.failed


@dataclass(slots=True)
class Fork:
    """One request on its way to one or several targets."""

    request: Request  # as it came from upstream
    to_tag: str  # of responses that we make ourselves
    cancelled: bool = False
    groups_left: int = 0  # of targets that are tried when those before have refused
    _branches: dict[ClientKey, _Branch] = field(default_factory=dict)
    _final_sent: bool = False
    _finished: bool = False

    def add(self, key: ClientKey, request: Request, flow: Flow, *, spare: bool = False) -> ForkEffects:
        """One more branch, whose client transaction has begun; `spare`: `Failover` is welcome."""
        self._branches[key] = _Branch(request, flow, spare)
        return (RestartTimerC(key),) if self._is_invite else ()

    def flow_of(self, key: ClientKey) -> Flow | None:
        branch = self._branches.get(key)
        return None if branch is None else branch.flow

    def receive(self, key: ClientKey, response: Response) -> ForkEffects:
        """A response of a branch, as it came."""
        branch = self._branches.get(key)
        if branch is None:
            return ()
        if response.status < 200:
            return tuple(self._provisional(key, branch, response))
        if response.status == 503 and self._may_fail_over(branch):
            return self._fail_over(key)
        return tuple(self._final(key, branch, response))

    def failed(self, key: ClientKey, why: Failure) -> ForkEffects:
        """A branch whose transaction ended without an answer (RFC 3261 16.9: as a 503; a timeout is a 408)."""
        branch = self._branches.get(key)
        if branch is None or not branch.pending:
            return ()
        if self._may_fail_over(branch):
            return self._fail_over(key)
        branch.failed = True
        if self._is_invite or why == "transport":
            status = 503 if why == "transport" else 408
            branch.final = response_to(self.request, status, to_tag=self.to_tag)
        # RFC 4320 4.1: nobody waits any more for the answer to a non-INVITE that timed out
        return (*self._stop_timer(key), *self._conclude())

    def timer_c(self, key: ClientKey) -> ForkEffects:
        """A branch was silent for too long (RFC 3261 16.8)."""
        branch = self._branches.get(key)
        if branch is None or not branch.pending:
            return ()
        if branch.rings and not branch.cancel_sent:
            return self._cancel(key, branch)
        return (Abandon(key), *self.failed(key, "timeout"))

    def overdue(self, key: ClientKey) -> ForkEffects:
        """A server that gave no sign of life for too long: as one that cannot be reached."""
        branch = self._branches.get(key)
        if branch is None or not branch.pending or branch.rings:
            return ()
        return (Abandon(key), *self.failed(key, "transport"))

    def cancel(self) -> ForkEffects:
        """The caller gives up (RFC 3261 16.10). The 487 comes from downstream."""
        self.cancelled = True
        return tuple(self._cancel_pending())

    @property
    def _is_invite(self) -> bool:
        return self.request.method == "INVITE"

    def _provisional(self, key: ClientKey, branch: _Branch, response: Response) -> Iterator[ForkEffect]:
        if not branch.pending:
            return
        branch.rings = True
        if branch.cancel_wanted and not branch.cancel_sent:
            yield from self._cancel(key, branch)
        if response.status == 100:  # RFC 3261 16.7 step 5: of this hop only
            return
        if self._is_invite and not branch.cancel_sent:
            yield RestartTimerC(key)
        if not self._final_sent:
            yield Forward(_upstream(response), key)

    def _final(self, key: ClientKey, branch: _Branch, response: Response) -> Iterator[ForkEffect]:
        first = branch.pending
        branch.final = response
        yield from self._stop_timer(key)
        if response.status < 300:
            # RFC 3261 16.7 step 5: every 2xx to an INVITE is forwarded, also a late one
            if self._is_invite or not self._final_sent:
                self._final_sent = True
                yield Forward(_upstream(response), key)
            yield from self._cancel_pending()
        elif response.status >= 600:
            yield from self._cancel_pending()
        if first:
            yield from self._conclude()

    def _may_fail_over(self, branch: _Branch) -> bool:
        return branch.spare and branch.pending and not branch.rings and not self.cancelled and not self._final_sent

    def _fail_over(self, key: ClientKey) -> ForkEffects:
        del self._branches[key]
        return (*self._stop_timer(key), Failover(key))

    def _conclude(self) -> ForkEffects:
        if self._finished or any(branch.pending for branch in self._branches.values()):
            return ()
        if self.groups_left and not self._final_sent and not self._is_settled():
            self.groups_left -= 1
            return (TryNext(),)
        self._finished = True
        if self._final_sent:
            return (Finished(answered=True),)
        best = self._best()
        if best is None:
            return (Finished(answered=False),)
        self._final_sent = True
        return (best, Finished(answered=True))

    def _is_settled(self) -> bool:
        """Whether no further target is wanted: the caller gave up, or somebody spoke for all of them (6xx)."""
        return self.cancelled or any(_status(branch) >= 600 for branch in self._branches.values())

    def _best(self) -> Forward | None:
        """RFC 3261 16.7 step 6."""
        finals = [(key, branch) for key, branch in self._branches.items() if branch.final is not None]
        if not finals:
            return None
        key, chosen = min(finals, key=lambda item: _rank(_status(item[1])))
        response = chosen.final
        if response is None:
            return None
        if chosen.failed:
            # a cancelled call that nobody answered any more is a cancelled call
            own = response_to(self.request, 487, to_tag=self.to_tag) if self.cancelled else response
            return Forward(own, None)
        if response.status == 503:
            # step 6: our target is out of service, we are not
            return Forward(response_to(self.request, 500, to_tag=self.to_tag), None)
        upstream = _upstream(response)
        if response.status in (401, 407):
            self._aggregate_challenges(upstream, chosen)
        return Forward(upstream, key)

    def _aggregate_challenges(self, response: Response, chosen: _Branch) -> None:
        """RFC 3261 16.7 step 7: the caller may have credentials for any of the branches."""
        for branch in self._branches.values():
            other = branch.final
            if other is None or branch is chosen or other.status not in (401, 407):
                continue
            for name in ("WWW-Authenticate", "Proxy-Authenticate"):
                for value in other.headers.get_all(name):
                    response.headers.add(name, value)

    def _cancel_pending(self) -> Iterator[ForkEffect]:
        if not self._is_invite:  # RFC 3261 9.1: CANCEL is for INVITE
            return
        for key, branch in self._branches.items():
            if not branch.pending or branch.cancel_sent:
                continue
            branch.cancel_wanted = True
            if branch.rings:
                yield from self._cancel(key, branch)

    def _cancel(self, key: ClientKey, branch: _Branch) -> ForkEffects:
        branch.cancel_sent = True
        return (CancelBranch(cancel_for(branch.request), branch.flow), RestartTimerC(key, after_cancel=True))

    def _stop_timer(self, key: ClientKey) -> ForkEffects:
        return (StopTimerC(key),) if self._is_invite else ()


def _upstream(response: Response) -> Response:
    forwarded = response.copy()
    forwarded.headers.remove_first("Via")
    return forwarded


def _status(branch: _Branch) -> int:
    return 500 if branch.final is None else branch.final.status


def _rank(status: int) -> tuple[int, int]:
    """The lower, the better: 6xx rules, then the lowest class, in it what helps the caller most."""
    if status >= 600:
        return (0, 0)
    return (status // 100, 0 if status in _HELPFUL else 1)
