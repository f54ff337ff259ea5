"""A relay worker: takes assignments from Redis, has the relay carry them out, publishes what it measured.

It never lets a call suffer for Redis: while Redis is away it relays and measures on; when Redis lost its data it
announces itself again. After a restart it opens the same ports for the same calls.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from zlib import crc32

import structlog

from rtp_analyzer.abandoned import Silence
from rtp_analyzer.announcements import Announcements
from rtp_analyzer.audio.decoder import Decoder, DecoderFailed
from rtp_analyzer.clocks import ClockWatch
from rtp_analyzer.reports import MetricsEvent, Reporter
from rtp_analyzer.taps.delay import percentile_ms
from rtp_analyzer.taps.relay import Media, PortUnavailable, Relay, StreamCut
from shared.broker import BrokerLost, Bus, Delivery, Outbox, Workers, WorkerStatus
from shared.events import METRICS, MediaAssigned, MediaReleased, MediaUpdated, media_stream

log = structlog.get_logger(__name__)

GROUP = "worker"
TICK_S = 1.0
TRIM_EVERY = 10  # ticks
JUDGE_EVERY = 10  # ticks: how often a running medium is judged anew
SLICES_READ_BACK = 1000  # entries: a minute of a busy machine, after which the streams of then are others
RETRY_S = 0.5
DECODER_RETRY_S = 10.0
NANOSECONDS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class WorkerProfile:
    """Who this worker is, and how much it can carry."""

    id: str
    address: str  # where phones send their RTP
    ports: range  # the even ones
    capacity: int  # media at once
    # A phone that was not told of the end sends on for a while; the next call must not get its packets.
    quarantine_s: float = 10.0
    listen_s: float = 10.0  # to a caller of 996, before it is said what was heard
    one_way_delay_ms: float | None = None  # of the network, where RTCP tells nothing


class Worker:
    """One relay and its place in Redis. `now` is the wall clock, `monotonic` one that nobody sets."""

    def __init__(
        self,
        profile: WorkerProfile,
        relay: Relay,
        bus: Bus,
        workers: Workers,
        outbox: Outbox,
        now: Callable[[], float],
        monotonic: Callable[[], float],
        decoder: Decoder | None = None,
    ) -> None:
        self._profile = profile
        self._relay = relay
        self._bus = bus
        self._workers = workers
        self._outbox = outbox
        self._now = now
        self._monotonic = monotonic
        self._decoder = decoder
        self._reporter = Reporter(profile.id, profile.one_way_delay_ms)
        self._announcements = Announcements(profile.id, relay, profile.listen_s, monotonic)
        self._quarantine: deque[tuple[float, tuple[int, ...]]] = deque()  # free again when, and which
        self._clocks = ClockWatch(now, monotonic)
        self._silence = Silence()
        self._draining = False
        self._closed = asyncio.Event()  # one more medium
        self._delays = relay.delays()  # when they were announced last
        self._judging = 0
        self._away = False  # Redis did not answer the last time
        self._failed = 0
        self._malformed = 0
        self._entries_lost = 0
        self._decoder_failed = 0

    async def run(self) -> None:
        """Works until cancelled; the relay is started before and stopped after."""
        await self._resume()
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._consume(), name="assignments")
                tasks.create_task(self._tick(), name="slices")
                tasks.create_task(self._keep_in_touch(), name="announcements")
                if self._decoder is not None:
                    tasks.create_task(self._listen(self._decoder), name="decoding")
        finally:
            self._publish(self._reporter.tick(self._cut(), self._now()))

    async def drain(self, limit_s: float) -> None:
        """Takes no new media, and returns when the last one has ended, or after `limit_s`."""
        self._draining = True
        log.info("worker drains", media=len(self._relay.media), limit_s=limit_s)
        with suppress(TimeoutError):
            async with asyncio.timeout(limit_s):
                with suppress(BrokerLost):
                    await self._announce()
                while self._relay.media:
                    self._closed.clear()
                    await self._closed.wait()

    async def withdraw(self) -> None:
        """Takes the worker off the list at once, so that no new call is sent to it."""
        try:
            await self._workers.withdraw(self._profile.id)
        except BrokerLost as error:
            log.warning("worker not withdrawn", error=str(error))

    def counters(self) -> dict[str, float]:
        """Totals since the start, by metric name."""
        return {
            **self._relay.counters(),
            **self._reporter.counters(),
            "media_failed": self._failed,
            "malformed_events": self._malformed,
            "decoder_failed": self._decoder_failed,
            "metrics_entries_lost": self._entries_lost,
            "events_dropped": self._outbox.dropped,
        }

    async def _resume(self) -> None:
        """Opens what was assigned before, and declares all other ports free."""
        while True:
            try:
                open_before = await self._workers.assignments(self._profile.id)
                if open_before:
                    self._reporter.go_on(await self._bus.latest(METRICS, SLICES_READ_BACK))
                for media in open_before:
                    await self._open(media)
                await self._workers.set_free(self._profile.id, self._unused())
                log.info("worker ready", worker=self._profile.id, address=self._profile.address, media=len(open_before))
                return
            except BrokerLost as error:
                log.warning("broker unavailable, worker waits", error=str(error))
                await asyncio.sleep(RETRY_S)

    async def _consume(self) -> None:
        async for batch in self._bus.consume([media_stream(self._profile.id)], GROUP, self._profile.id):
            for delivery in batch:
                await self._handle(delivery)
            try:
                await self._bus.acknowledge(GROUP, batch)
            except BrokerLost as error:
                log.warning("assignments not acknowledged, they will come again", error=str(error))

    async def _handle(self, delivery: Delivery) -> None:
        match delivery.event:
            case MediaAssigned() | MediaUpdated() as media:
                try:
                    await self._open_or_update(media)
                except BrokerLost as error:  # the ports are open; a lease that is not settled falls back to nobody
                    log.warning("lease not settled", media_id=media.media_id, error=str(error))
            case MediaReleased() as released:
                self._close(released)
            case _:
                self._malformed += 1
                log.warning("assignment not understood", id=delivery.id, error=delivery.error)

    async def _open_or_update(self, media: Media) -> None:
        known = self._relay.media.get(media.media_id)
        if known is None:
            await self._open(media)
        elif media.at >= known.at:  # an entry that comes again must not undo a later one
            self._relay.update(media)

    async def _open(self, media: Media) -> None:
        if media.media_id in self._relay.media:
            return
        try:
            self._relay.open(media)
        except PortUnavailable as error:
            self._failed += 1
            log.error("media not opened", call_id=media.call_id, media_id=media.media_id, reason=str(error))
            return
        if media.mode == "announce":
            self._announcements.begin(media.media_id)
        log.info("media opened", call_id=media.call_id, media_id=media.media_id, mode=media.mode, ports=_ports(media))
        await self._workers.opened(self._profile.id, media.media_id, _ports(media))

    def _close(self, released: MediaReleased) -> None:
        if released.media_id not in self._relay.media:
            self._publish([self._reporter.unknown(released, self._now())])
            return
        self._announcements.forget(released.media_id)
        closed = self._relay.close(released.media_id, self._now_ns())
        self._reporter.hear(self._relay.take_rtcp())
        self._closed.set()
        self._quarantine.append((self._monotonic() + self._profile.quarantine_s, _ports(closed.media)))
        self._publish(self._reporter.stopped(closed, self._now()))
        log.info("media closed", call_id=released.call_id, media_id=released.media_id, refused=closed.refused)

    async def _tick(self) -> None:
        """A slice of every stream once a second. The loop's own work does not add up to a drift."""
        due = self._monotonic() + TICK_S
        while True:
            await asyncio.sleep(max(0.0, due - self._monotonic()))
            due = max(due + TICK_S, self._monotonic())
            if not self._relay.running:
                raise RuntimeError("the packet loop has died")
            cuts = self._cut()
            self._publish(self._reporter.tick(cuts, self._now(), self._clocks.stepped()))
            self._judge(cuts)
            self._publish(self._announcements.tick(cuts, self._now()))

    async def _listen(self, decoder: Decoder) -> None:
        """Has decoded what the relay cannot hear by itself. No call and no slice waits for it."""
        while True:
            await asyncio.sleep(TICK_S)
            batch = self._relay.undecoded()
            if not len(batch):
                continue
            try:
                self._relay.book_decoded(await decoder.decode(batch))
            except DecoderFailed as error:
                self._decoder_failed += 1
                log.warning("decoder failed", error=str(error), again_in_s=DECODER_RETRY_S)
                await asyncio.sleep(DECODER_RETRY_S)

    def _judge(self, cuts: Sequence[StreamCut]) -> None:
        """A part of the running media each time, so that each has its turn and none waits for many."""
        self._judging = (self._judging + 1) % JUDGE_EVERY
        due = {media_id for media_id in self._relay.media if crc32(media_id.encode()) % JUDGE_EVERY == self._judging}
        streams: dict[str, list[StreamCut]] = {media_id: [] for media_id in due}
        for cut in cuts:
            if cut.context.media_id in due:
                streams[cut.context.media_id].append(cut)
        for media_id, its_cuts in streams.items():
            self._publish(self._reporter.judge(self._relay.media[media_id], its_cuts, self._now()))

    def _cut(self) -> Sequence[StreamCut]:
        self._reporter.hear(self._relay.take_rtcp())
        return self._relay.cut(self._now_ns())

    async def _keep_in_touch(self) -> None:
        """Once a second: say that we live, free what has served its quarantine; now and then trim our streams."""
        round_ = 0
        while True:
            try:
                await self._announce()
                if round_ % TRIM_EVERY == 0:
                    await self._trim()
                await self._release_abandoned()
                self._reached(True)
            except BrokerLost as error:
                self._reached(False, str(error))
            round_ += 1
            await asyncio.sleep(TICK_S)

    async def _announce(self) -> None:
        before, self._delays = self._delays, self._relay.delays()
        waited = [count - known for count, known in zip(self._delays, before, strict=True)]
        status = WorkerStatus(
            worker=self._profile.id,
            at=self._now(),
            address=self._profile.address,
            port_min=self._profile.ports[0],
            port_max=self._profile.ports[-1] + 1,
            capacity=0 if self._draining else self._profile.capacity,
            load=len(self._relay.media),
            draining=self._draining,
            delay_p50_ms=percentile_ms(waited, 0.5),
            delay_p99_ms=percentile_ms(waited, 0.99),
            counters=self.counters(),
        )
        if not await self._workers.announce(status):
            await self._workers.set_free(self._profile.id, self._unused())
        while self._quarantine and self._quarantine[0][0] <= self._monotonic():
            await self._workers.give_back(self._profile.id, self._quarantine[0][1])
            self._quarantine.popleft()
        await self._workers.reclaim(self._profile.id, self._now())

    async def _release_abandoned(self) -> None:
        """Tells itself what a proxy would, had the release not been lost."""
        for media in list(self._silence.abandoned(self._relay.media, self._relay.heard(), self._monotonic())):
            log.warning("media abandoned", call_id=media.call_id, media_id=media.media_id)
            released = MediaReleased(at=self._now(), call_id=media.call_id, media_id=media.media_id)
            await self._workers.release(self._profile.id, released)

    async def _trim(self) -> None:
        self._entries_lost += await self._bus.trim(METRICS, self._now())
        self._entries_lost += await self._bus.trim(media_stream(self._profile.id), self._now())

    def _reached(self, answered: bool, error: str = "") -> None:
        """Tells the log once when Redis goes, and once when it is back."""
        if answered and self._away:
            log.info("broker is back")
        elif not answered and not self._away:
            log.warning("broker unavailable, relaying on", error=error)
        self._away = not answered

    def _unused(self) -> list[int]:
        """The ports that no call has and that are not in quarantine."""
        used = {port for media in self._relay.media.values() for port in _ports(media)}
        used.update(port for _, ports in self._quarantine for port in ports)
        return [port for port in self._profile.ports if port not in used]

    def _publish(self, events: Iterable[MetricsEvent]) -> None:
        for event in events:
            self._outbox.put(METRICS, event)

    def _now_ns(self) -> int:
        return int(self._now() * NANOSECONDS)


def _ports(media: Media) -> tuple[int, ...]:
    return tuple(leg.port for leg in media.legs)
