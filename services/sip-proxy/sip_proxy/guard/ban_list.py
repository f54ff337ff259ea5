"""The ban list in Redis (`vqm:ban:<source>`) and the sources known to all replicas (`vqm:known:<source>`).

An operator bans with `redis-cli SET vqm:ban:203.0.113.9 "reason" EX 3600` and lifts with `redis-cli DEL`; every
replica follows within seconds.
"""

import asyncio
from collections.abc import Callable

import structlog

from shared.broker import BrokerLost, State
from shared.events import SECURITY, Event, Stream
from sip_proxy.guard.guard import Guard
from sip_proxy.guard.known import SOURCE_KEPT_S

log = structlog.get_logger(__name__)

BAN = "vqm:ban:"
KNOWN = "vqm:known:"
SYNC_S = 2.0
LEARN_EVERY = 15  # syncs: whom other replicas know may take half a minute to get about


class BanList:
    """Keeps the guard's copy and Redis equal."""

    def __init__(
        self,
        state: State,
        guard: Guard,
        publish: Callable[[Stream, Event], None],
        now: Callable[[], float],
    ) -> None:
        self._state = state
        self._guard = guard
        self._publish = publish
        self._now = now

    async def keep(self) -> None:
        """Until cancelled, through every loss of the broker: bans only run out then."""
        turn = 0
        while True:
            try:
                await self._write()
                if turn % LEARN_EVERY == 0:
                    await self._learn()
                over = self._guard.bans.take(await self._listed(), self._now())
                turn += 1
            except BrokerLost as error:
                log.warning("ban list not shared", error=str(error))
                over = self._guard.bans.expire(self._now())
            for event in over:
                self._publish(SECURITY, event)
            await asyncio.sleep(SYNC_S)

    async def _write(self) -> None:
        for source, ban in list(self._guard.bans.unwritten.items()):
            if ban.until is not None and ban.until > self._now():
                await self._state.put(BAN + source, ban.model_dump_json(), ban.until - self._now())
            self._guard.bans.written(source)
        while self._guard.known.unwritten:
            source = next(iter(self._guard.known.unwritten))
            await self._state.put(KNOWN + source, "1", SOURCE_KEPT_S)
            self._guard.known.unwritten.discard(source)

    async def _listed(self) -> dict[str, str]:
        return {key.removeprefix(BAN): text async for key, text in self._state.scan(BAN)}

    async def _learn(self) -> None:
        async for key, _ in self._state.scan(KNOWN):
            self._guard.known.learn(key.removeprefix(KNOWN), self._now())
