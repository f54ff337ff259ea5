"""Where devices are: the bindings in Redis, looked up and changed, and their expiry told."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import structlog

from shared.broker import BrokerLost, NonceUse, Refusal, Registry
from shared.events import REGISTRATIONS, Event, Stream
from sip_proxy.registration.bindings import Binding, Bindings
from sip_proxy.registration.registrar import Change, Limits, events_of

log = structlog.get_logger(__name__)

EXPIRY_INTERVAL_S = 0.5  # an expiry is told within 2 s
EXPIRED_AT_ONCE = 100  # addresses of record
READ_AT_ONCE = 50  # the same: reading more of them would hold up calls


class Location:
    """The bindings of all addresses of record. Every method but `watch` raises BrokerLost when Redis is away."""

    def __init__(
        self,
        registry: Registry,
        limits: Limits,
        publish: Callable[[Stream, Event], None],
        now: Callable[[], float],
    ) -> None:
        self._registry = registry
        self._limits = limits
        self._publish = publish
        self._now = now
        self.registered = 0  # addresses of record that had a binding when we last looked

    async def bindings(self, aor: str) -> Bindings:
        return Bindings.from_document(aor, await self._registry.document(aor))

    async def change(self, aor: str, change: Change, nonce: NonceUse | None, now: float) -> Bindings | Refusal:
        """Applies what a REGISTER asks for, all or nothing, if its nonce was not used before; tells what happened."""
        outcome = await self._registry.change(aor, now, change.to_json(self._limits), nonce)
        if isinstance(outcome, str):
            return outcome
        self._tell(aor, outcome.happened, now)
        return Bindings.from_document(aor, outcome.document)

    async def watch(self) -> None:
        """Tells of every binding that runs out, until cancelled; also of those of before our start. Of several
        replicas the one that takes a binding away tells it."""
        while True:
            try:
                await self._expire()
                self.registered = await self._registry.count()
            except BrokerLost as error:
                log.warning("expiry of registrations waits", error=str(error))
            await asyncio.sleep(EXPIRY_INTERVAL_S)

    async def end(self, may_stay: Callable[[str, Binding], bool]) -> None:
        """Takes away every binding that may not stay, given its address of record, and tells so."""
        known = await self._registry.known()
        for start in range(0, len(known), READ_AT_ONCE):
            aors = known[start : start + READ_AT_ONCE]
            for aor, text in zip(aors, await self._registry.documents(aors), strict=True):
                for binding in Bindings.from_document(aor, text).bindings:
                    if not may_stay(aor, binding):
                        # A REGISTER that comes in between is newer than this, which then is out of order.
                        gone = replace(binding, expires_at=0.0)
                        await self.change(aor, Change(binding.call_id, binding.cseq + 1, (gone,)), None, self._now())

    async def _expire(self) -> None:
        nothing = Change("", 0)
        while due := await self._registry.due(self._now(), EXPIRED_AT_ONCE):
            for aor in due:
                await self.change(aor, nothing, None, self._now())

    def _tell(self, aor: str, happened: list[list[Any]], now: float) -> None:
        try:
            events = events_of(aor, happened, now)
        except TypeError as error:  # of a version that wrote other bindings
            log.warning("unreadable binding replaced", aor=aor, error=str(error))
            return
        for event in events:
            self._publish(REGISTRATIONS, event)
