"""Relay ports for calls: taken from the least loaded live worker, given back for certain, even if later."""

from collections import deque
from collections.abc import Callable, Collection
from contextlib import suppress

import structlog

from shared.broker import BrokerLost, Workers, WorkerStatus
from shared.events import MediaLeg, MediaReleased, Party
from sip_proxy.media.anchoring import Anchor, Mode, PortRange

log = structlog.get_logger(__name__)

LIVE_S = 0.5  # for so long what the workers said last will do; they say it once a second
OPEN_S = 1.0  # a worker takes milliseconds; one that takes longer would not relay in time either


class NoWorker(Exception):
    """No relay worker is alive with enough free ports, or it does not open them."""


class MediaPorts:
    """Speaks to the workers through Redis."""

    def __init__(self, workers: Workers, now: Callable[[], float], token: Callable[[], str]) -> None:
        self._workers = workers
        self._now = now
        self._token = token
        self._live: list[WorkerStatus] = []
        self._looked_at = 0.0
        self._unreleased: deque[tuple[str, MediaReleased]] = deque()

    async def open(self, mode: Mode, call_id: str, describe: Callable[[Anchor], Anchor]) -> Anchor:
        """Leases ports and has them opened for what `describe` makes of them; when a worker died in between, by the
        next one: nobody has been told of the ports yet.

        Raises:
            NoWorker: nobody can relay now.
            BrokerLost: Redis is away.
        """
        failed: list[str] = []
        while True:
            anchor = describe(await self._lease(mode, failed))
            try:
                await self._assign(anchor, call_id)
            except NoWorker:
                failed.append(anchor.worker)
            else:
                return anchor

    async def update(self, anchor: Anchor, call_id: str) -> None:
        """Tells the worker what changed. Without Redis the call goes on with what the worker knows: it learns the
        addresses from the packets."""
        try:
            await self._workers.assign(anchor.worker, anchor.updated(call_id, self._now()))
        except BrokerLost as error:
            log.warning("media update not told", call_id=call_id, error=str(error))

    async def release(self, anchor: Anchor, call_id: str) -> None:
        """Has the worker close the ports, now or as soon as Redis is back."""
        event = MediaReleased(at=self._now(), call_id=call_id, media_id=anchor.media_id)
        self._unreleased.append((anchor.worker, event))
        await self.retry()

    async def retry(self) -> None:
        """Sends the releases that could not be sent before."""
        while self._unreleased:
            worker, event = self._unreleased.popleft()
            try:
                await self._workers.release(worker, event)
            except BrokerLost as error:
                self._unreleased.appendleft((worker, event))
                log.warning("media release waits", call_id=event.call_id, error=str(error))
                return

    async def _lease(self, mode: Mode, avoid: Collection[str]) -> Anchor:
        """Takes the ports of another worker than those. They fall back by themselves unless `_assign` follows."""
        if 0 <= self._now() - self._looked_at < LIVE_S:
            with suppress(NoWorker):
                return await self._lease_of_known(mode, avoid)
        self._live, self._looked_at = await self._workers.live(), self._now()
        return await self._lease_of_known(mode, avoid)

    async def _lease_of_known(self, mode: Mode, avoid: Collection[str]) -> Anchor:
        parties: tuple[Party, ...] = ("caller", "callee") if mode == "relay" else ("caller",)
        relays = tuple(PortRange(address=one.address, first=one.port_min, last=one.port_max) for one in self._live)
        for status in self._live:
            if status.load >= status.capacity or status.worker in avoid:
                continue
            ports = await self._workers.lease(status.worker, len(parties), self._now())
            if ports:
                legs = tuple(MediaLeg(party=party, port=port) for party, port in zip(parties, ports, strict=True))
                return Anchor(
                    worker=status.worker,
                    address=status.address,
                    media_id=self._token(),
                    mode=mode,
                    legs=legs,
                    relays=relays,
                )
        raise NoWorker

    async def _assign(self, anchor: Anchor, call_id: str) -> None:
        """Has the worker open the ports, and waits until it did: media may come right behind the answer."""
        try:
            await self._workers.assign(anchor.worker, anchor.assigned(call_id, self._now()))
            opened = await self._workers.wait_opened(anchor.media_id, OPEN_S)
        except BrokerLost:
            await self.release(anchor, call_id)  # the worker may have been told all the same
            raise
        if not opened:
            log.warning("media worker did not open the ports", worker=anchor.worker, call_id=call_id)
            await self.release(anchor, call_id)
            raise NoWorker
