"""Redis Streams: publish, consume in a group (each event handled once), tail (every reader sees all), trim."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import structlog
from redis.exceptions import ResponseError

from shared.broker.connection import AWAY, Client, StreamReply, broker_errors
from shared.events import Draft, Event, MalformedEntry, Stream, decode, encode

log = structlog.get_logger(__name__)

BLOCK_MS = 1000
CLAIM_IDLE_MS = 60_000  # longer than any batch takes to store
CLAIM_EVERY = 30  # reads: about every half minute on a quiet stream
RETRY_S = (0.1, 0.2, 0.5, 1.0, 2.0)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One entry as it came. `event` is None when it is malformed; `error` then says why."""

    stream: str
    id: str
    fields: Mapping[str, str]
    event: Event | None
    error: str | None = None


class Bus:
    """The streams of one Redis."""

    def __init__(self, redis: Client) -> None:
        self._redis = redis

    async def publish(self, entries: Iterable[tuple[Stream, Event | Draft]]) -> None:
        """Appends the events in order, in one round trip.

        Raises:
            BrokerLost: some of them may have been written.
        """
        with broker_errors():
            async with self._redis.batch(transaction=False) as pipe:
                for stream, event in entries:
                    pipe.xadd(stream.key, encode(event))
                await pipe.execute()

    async def consume(
        self, streams: Sequence[Stream], group: str, consumer: str, *, count: int = 500
    ) -> AsyncIterator[list[Delivery]]:
        """Batches for this consumer of the group, for ever: first those it took but never acknowledged, then new
        ones, and now and then those that a dead consumer left behind. Acknowledge each batch once it is safe.

        Survives a Redis that is away, restarted or flushed: it waits, recreates its groups from the start of the
        streams, and goes on.
        """
        reader = _GroupReader(self._redis, [stream.key for stream in streams], group, consumer, count)
        async for batch in _persistently(reader.read, reader.reset):
            yield batch

    async def acknowledge(self, group: str, deliveries: Iterable[Delivery]) -> None:
        """Marks entries as handled.

        Raises:
            BrokerLost: they will be delivered again.
        """
        ids: dict[str, list[str]] = {}
        for delivery in deliveries:
            ids.setdefault(delivery.stream, []).append(delivery.id)
        with broker_errors():
            async with self._redis.batch(transaction=False) as pipe:
                for key, batch in ids.items():
                    pipe.xack(key, group, *batch)
                await pipe.execute()

    async def tail(
        self,
        streams: Sequence[Stream],
        *,
        after: Mapping[str, str] | None = None,
        count: int = 500,
        gather_s: float = 0.0,
    ) -> AsyncIterator[list[Delivery]]:
        """Batches of everything that is published from now on (or after the given entry ids), for ever. A reader that
        is in no hurry gathers what comes within a time: each batch has its price."""
        reader = _TailReader(self._redis, [stream.key for stream in streams], dict(after or {}), count)
        async for batch in _persistently(reader.read, reader.reset):
            yield batch
            if gather_s and len(batch) < count:
                await asyncio.sleep(gather_s)

    async def latest(self, stream: Stream, count: int) -> list[Event]:
        """The newest `count` entries, oldest first, without the malformed ones.

        Raises:
            BrokerLost: ask again.
        """
        with broker_errors():
            entries = await self._redis.xrevrange(stream.key, count=count)
        deliveries = [_delivery(stream.key, entry_id, fields) for entry_id, fields in reversed(entries)]
        return [delivery.event for delivery in deliveries if delivery.event is not None]

    async def trim(self, stream: Stream, now: float) -> int:
        """Drops what every group has handled and is older than `stream.keep_s`; then enforces the hard cap.

        Returns how many entries were dropped although a group still needed them: a loss, to be counted and told.

        Raises:
            BrokerLost: try again at the next round.
        """
        with broker_errors():
            floor = await self._oldest_needed(stream)
            if floor is not None:
                keep_from = f"{max(0, int((now - stream.keep_s) * 1000))}-0"
                await self._redis.xtrim(stream.key, minid=min(floor, keep_from, key=_entry_order), approximate=True)
            excess = await self._redis.xlen(stream.key) - stream.hard_cap
            if excess <= 0:
                return 0
            dropped = int(await self._redis.xtrim(stream.key, maxlen=stream.hard_cap, approximate=False))
            log.warning("stream over its hard cap, entries lost", stream=stream.key, entries=dropped)
            return dropped

    async def _oldest_needed(self, stream: Stream) -> str | None:
        """The lowest entry id that some group still has to handle or handled last; None without any group."""
        try:
            groups = await self._redis.xinfo_groups(stream.key)
        except ResponseError:  # no such key
            return None
        needed = [str(group["last-delivered-id"]) for group in groups]
        for group in groups:
            if group["pending"]:
                pending = await self._redis.xpending(stream.key, group["name"])
                needed.append(str(pending["min"]))
        return min(needed, key=_entry_order, default=None)


class _GroupReader:
    """XREADGROUP with its three sources, one step at a time."""

    def __init__(self, redis: Client, keys: Sequence[str], group: str, consumer: str, count: int) -> None:
        self._redis = redis
        self._keys = keys
        self._group = group
        self._consumer = consumer
        self._count = count
        self._ready = False
        self._backlog: dict[str, str] = {}  # where reading of our own pending entries stands, per stream
        self._rounds = 0

    def reset(self) -> None:
        self._ready = False

    async def read(self) -> list[Delivery]:
        if not self._ready:
            await self._create_groups()
            self._backlog = dict.fromkeys(self._keys, "0")
            self._ready = True
        if self._backlog:
            return await self._read_backlog()
        self._rounds += 1
        if self._rounds % CLAIM_EVERY == 0 and (claimed := await self._claim()):
            return claimed
        reply: StreamReply = await self._redis.xreadgroup(
            self._group, self._consumer, dict.fromkeys(self._keys, ">"), count=self._count, block=BLOCK_MS
        )
        return _deliveries(reply)

    async def _create_groups(self) -> None:
        for key in self._keys:
            try:
                await self._redis.xgroup_create(key, self._group, id="0", mkstream=True)
            except ResponseError as error:
                if not str(error).startswith("BUSYGROUP"):
                    raise

    async def _read_backlog(self) -> list[Delivery]:
        reply: StreamReply = await self._redis.xreadgroup(
            self._group, self._consumer, dict(self._backlog), count=self._count
        )
        seen = {key: entries[-1][0] for key, entries in reply if entries}
        self._backlog = seen
        await self._forget_trimmed(reply)
        return _deliveries(reply)

    async def _claim(self) -> list[Delivery]:
        taken: StreamReply = []
        for key in self._keys:
            reply = await self._redis.xautoclaim(key, self._group, self._consumer, CLAIM_IDLE_MS, count=self._count)
            taken.append((key, reply[1]))  # Redis 6.2 answers with two items, later ones with three
        await self._forget_trimmed(taken)
        return _deliveries(taken)

    async def _forget_trimmed(self, reply: StreamReply) -> None:
        for key, entries in reply:
            gone = [entry_id for entry_id, fields in entries if not fields]
            if gone:
                await self._redis.xack(key, self._group, *gone)


class _TailReader:
    """XREAD from a point that is resolved once: `$` in a loop would lose what comes between two reads."""

    def __init__(self, redis: Client, keys: Sequence[str], after: dict[str, str], count: int) -> None:
        self._redis = redis
        self._keys = keys
        self._last = after
        self._count = count

    def reset(self) -> None:
        """Nothing to forget: whether entries begin anew is seen when none comes."""

    async def read(self) -> list[Delivery]:
        for key in self._keys:
            if key not in self._last:
                newest = await self._redis.xrevrange(key, count=1)
                self._last[key] = newest[0][0] if newest else "0-0"
        reply: StreamReply = await self._redis.xread(dict(self._last), count=self._count, block=BLOCK_MS)
        for key, entries in reply:
            self._last[key] = entries[-1][0]
        if not reply:
            await self._follow_restarts()
        return _deliveries(reply)

    async def _follow_restarts(self) -> None:
        """Entry ids grow with the clock of Redis. Once that was set back, and the stream lost, new ones are lower than
        those that were read."""
        for key in self._keys:
            newest = await self._redis.xrevrange(key, count=1)
            if not newest or _entry_order(newest[0][0]) < _entry_order(self._last[key]):
                self._last[key] = "0-0"


async def _persistently(
    read: Callable[[], Awaitable[list[Delivery]]], reset: Callable[[], None]
) -> AsyncIterator[list[Delivery]]:
    """Reads for ever; a Redis that is away or lost its data costs a pause and a log line, not the consumer."""
    failures = 0
    while True:
        try:
            batch = await read()
        except (*AWAY, ResponseError) as error:
            if isinstance(error, ResponseError) and not str(error).startswith(("NOGROUP", "UNBLOCKED")):
                raise
            reset()
            pause = RETRY_S[min(failures, len(RETRY_S) - 1)]
            failures += 1
            log.warning("broker unavailable, reading again", error=str(error), pause_s=pause)
            await asyncio.sleep(pause)
            continue
        failures = 0
        if batch:
            yield batch


def _deliveries(reply: StreamReply) -> list[Delivery]:
    return [_delivery(key, entry_id, fields) for key, entries in reply or () for entry_id, fields in entries if fields]


def _delivery(key: str, entry_id: str, fields: Mapping[str, str]) -> Delivery:
    try:
        return Delivery(key, entry_id, fields, decode(fields))
    except MalformedEntry as error:
        return Delivery(key, entry_id, fields, None, str(error))


def _entry_order(entry_id: str) -> tuple[int, int]:
    milliseconds, _, sequence = entry_id.partition("-")
    return int(milliseconds), int(sequence or 0)
