"""Where devices are: the bindings in Redis (`vqm:registration:<aor>`), changed all or nothing, and their expiry."""

import asyncio
from collections.abc import Callable

import structlog
from pydantic import ValidationError

from shared.broker import BrokerLost, State
from shared.events import REGISTRATIONS, Event, Stream
from sip_proxy.registrar import Accepted, Bindings, Refused, expire

log = structlog.get_logger(__name__)

PREFIX = "vqm:registration:"
# A document outlives its last binding, so that whoever comes back late can still tell that it expired.
GRACE_S = 600.0
ATTEMPTS = 8  # of a change, when several devices of one address of record register in the same instant
EXPIRY_INTERVAL_S = 0.5  # an expiry is told within 2 s
RESCAN_S = 30.0  # how often we look at what other replicas, or our former self, left


class Location:
    """The bindings of all addresses of record. Every method but `watch` raises BrokerLost when Redis is away."""

    def __init__(self, state: State, publish: Callable[[Stream, Event], None], now: Callable[[], float]) -> None:
        self._state = state
        self._publish = publish
        self._now = now
        self._deadlines: dict[str, float] = {}  # when the next binding of an address of record runs out

    @property
    def registered(self) -> int:
        """How many addresses of record have a binding, as far as this replica knows."""
        return len(self._deadlines)

    async def bindings(self, aor: str) -> Bindings:
        return _decode(aor, await self._state.get(PREFIX + aor))

    async def change(self, aor: str, decide: Callable[[Bindings], Accepted | Refused]) -> Accepted | Refused:
        """Applies a pure decision to the bindings; it is asked again when somebody else was faster."""
        for _ in range(ATTEMPTS):
            text = await self._state.get(PREFIX + aor)
            decision = decide(_decode(aor, text))
            if isinstance(decision, Refused):
                return decision
            if await self._replace(aor, text, decision.bindings):
                for event in decision.events:
                    self._publish(REGISTRATIONS, event)
                return decision
        raise BrokerLost(f"too many changes of {aor} at once")

    async def watch(self) -> None:
        """Tells of every binding that runs out, until cancelled; also of those from before our start."""
        next_scan = 0.0
        while True:
            try:
                if self._now() >= next_scan:
                    await self._scan()
                    next_scan = self._now() + RESCAN_S
                await self._expire_due()
            except BrokerLost as error:
                log.warning("expiry of registrations waits", error=str(error))
            await asyncio.sleep(EXPIRY_INTERVAL_S)

    async def _expire_due(self) -> None:
        now = self._now()
        for aor in [aor for aor, deadline in self._deadlines.items() if deadline <= now]:
            await self.change(aor, lambda bindings: Accepted(*expire(bindings, now)))

    async def _scan(self) -> None:
        async for key, text in self._state.scan(PREFIX):
            aor = key.removeprefix(PREFIX)
            self._note(_decode(aor, text))

    async def _replace(self, aor: str, text: str | None, bindings: Bindings) -> bool:
        new = bindings.model_dump_json() if bindings.bindings else None
        last = max((binding.expires_at for binding in bindings.bindings), default=self._now())
        if new != text and not await self._state.compare_and_set(PREFIX + aor, text, new, last - self._now() + GRACE_S):
            return False
        self._note(bindings)
        return True

    def _note(self, bindings: Bindings) -> None:
        if bindings.bindings:
            self._deadlines[bindings.aor] = min(binding.expires_at for binding in bindings.bindings)
        else:
            self._deadlines.pop(bindings.aor, None)


def _decode(aor: str, text: str | None) -> Bindings:
    if text is None:
        return Bindings(aor=aor)
    try:
        return Bindings.model_validate_json(text)
    except ValidationError as error:
        log.warning("unreadable registration ignored", aor=aor, error=str(error))
        return Bindings(aor=aor)
