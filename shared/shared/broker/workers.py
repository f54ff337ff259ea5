"""The relay workers: who lives, which ports are free, what each has to relay.

Ports travel in a circle: free (`vqm:ports:<worker>`, a set) -> leased by a proxy (`vqm:leases:<worker>`, a sorted set
by deadline) -> in use, once the assignment is written (`vqm:assignments:<worker>`, a hash that outlives a restart of
the worker) -> in the worker's own quarantine -> free. A lease that no assignment follows falls back at its deadline.
"""

from collections.abc import Collection, Iterable
from typing import cast

import structlog
from pydantic import Field

from shared.broker.connection import Client, broker_errors
from shared.events import (
    MalformedEntry,
    MediaAssigned,
    MediaReleased,
    MediaUpdated,
    Value,
    decode,
    encode,
    media_stream,
)

log = structlog.get_logger(__name__)

LEASE_S = 30.0  # a proxy writes the assignment within milliseconds
STATUS_TTL_S = 5.0
OPENED_KEPT_S = 10.0  # a proxy waits for a second at most

# KEYS: free set, leases. ARGV: how many, deadline. All or nothing.
_LEASE = """
if redis.call('SCARD', KEYS[1]) < tonumber(ARGV[1]) then return {} end
local ports = redis.call('SPOP', KEYS[1], ARGV[1])
for _, port in ipairs(ports) do redis.call('ZADD', KEYS[2], ARGV[2], port) end
return ports
"""
# KEYS: free set, leases. ARGV: now.
_RECLAIM = """
local late = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', ARGV[1])
for _, port in ipairs(late) do redis.call('SADD', KEYS[1], port); redis.call('ZREM', KEYS[2], port) end
return #late
"""


class WorkerStatus(Value):
    """What a worker says of itself once a second."""

    worker: str = Field(max_length=64)
    at: float
    address: str = Field(description="where phones send their RTP")
    port_min: int
    port_max: int
    capacity: int = Field(ge=0, description="media it can carry; 0 while it drains")
    load: int = Field(ge=0, description="media it carries")
    draining: bool = Field(default=False, description="it takes no new media and ends with the last one")
    delay_p50_ms: float | None = Field(default=None, description="a packet waited in it, of late; null: no packet")
    delay_p99_ms: float | None = None
    counters: dict[str, float] = Field(default_factory=dict, description="totals since its start, by metric name")


class Workers:
    """The registry of workers. Every call raises BrokerLost when Redis is away."""

    def __init__(self, redis: Client) -> None:
        self._redis = redis
        self._lease = redis.script(_LEASE)
        self._reclaim = redis.script(_RECLAIM)

    async def announce(self, status: WorkerStatus) -> bool:
        """Tells the proxies that the worker lives. False: Redis did not know it, so its free ports must be set."""
        with broker_errors():
            await self._redis.sadd("vqm:workers", status.worker)
            key = f"vqm:worker:{status.worker}"
            known = await self._redis.set(key, status.model_dump_json(), px=int(STATUS_TTL_S * 1000), get=True)
            return known is not None

    async def withdraw(self, worker: str) -> None:
        """Takes the worker off the list at once."""
        with broker_errors():
            await self._redis.delete(f"vqm:worker:{worker}")
            await self._redis.srem("vqm:workers", worker)

    async def live(self) -> list[WorkerStatus]:
        """The workers that announced themselves within the last seconds, the least loaded first."""
        with broker_errors():
            names = sorted(await self._redis.smembers("vqm:workers"))
            texts = await self._redis.mget([f"vqm:worker:{name}" for name in names]) if names else []
        workers = [WorkerStatus.model_validate_json(text) for text in texts if text]
        return sorted(workers, key=lambda status: status.load / max(1, status.capacity))

    async def set_free(self, worker: str, ports: Collection[int]) -> None:
        """Declares exactly these even ports free, less those that are leased."""
        with broker_errors():
            leased = {int(port) for port in await self._redis.zrange(f"vqm:leases:{worker}", 0, -1)}
            free = [port for port in ports if port not in leased]
            async with self._redis.batch(transaction=True) as pipe:
                pipe.delete(f"vqm:ports:{worker}")
                for start in range(0, len(free), 1000):
                    pipe.sadd(f"vqm:ports:{worker}", *free[start : start + 1000])
                await pipe.execute()

    async def lease(self, worker: str, count: int, now: float) -> list[int]:
        """Takes `count` random free ports, or none when there are not enough."""
        with broker_errors():
            keys = [f"vqm:ports:{worker}", f"vqm:leases:{worker}"]
            return [int(port) for port in await self._lease(keys=keys, args=[count, now + LEASE_S])]

    async def opened(self, worker: str, media_id: str, ports: Collection[int]) -> None:
        """The worker has opened these ports: ends their leases, and tells the proxy that waits for it."""
        with broker_errors():
            async with self._redis.batch(transaction=True) as pipe:
                pipe.zrem(f"vqm:leases:{worker}", *ports)
                # Redis may have lost its data after the lease, so that the worker declared the port free again.
                pipe.srem(f"vqm:ports:{worker}", *ports)
                pipe.rpush(f"vqm:opened:{media_id}", "1")
                pipe.pexpire(f"vqm:opened:{media_id}", int(OPENED_KEPT_S * 1000))
                await pipe.execute()

    async def wait_opened(self, media_id: str, timeout_s: float) -> bool:
        """Waits until the worker has opened an assignment, for media may follow an answer at once; False: too long."""
        with broker_errors():
            return await self._redis.blpop(f"vqm:opened:{media_id}", timeout=timeout_s) is not None

    async def give_back(self, worker: str, ports: Iterable[int]) -> None:
        """Makes ports free again after their quarantine."""
        with broker_errors():
            await self._redis.sadd(f"vqm:ports:{worker}", *ports)

    async def reclaim(self, worker: str, now: float) -> int:
        """Frees leases that no assignment followed; returns how many."""
        with broker_errors():
            keys = [f"vqm:ports:{worker}", f"vqm:leases:{worker}"]
            return int(await self._reclaim(keys=keys, args=[now]))

    async def assign(self, worker: str, event: MediaAssigned | MediaUpdated) -> None:
        """Writes the assignment down and tells the worker, both or neither."""
        with broker_errors():
            async with self._redis.batch(transaction=True) as pipe:
                fields = encode(event)
                pipe.hset(f"vqm:assignments:{worker}", event.media_id, fields["data"])
                pipe.xadd(media_stream(worker).key, fields)
                await pipe.execute()

    async def release(self, worker: str, event: MediaReleased) -> None:
        """Ends an assignment and tells the worker, both or neither."""
        with broker_errors():
            async with self._redis.batch(transaction=True) as pipe:
                pipe.hdel(f"vqm:assignments:{worker}", event.media_id)
                pipe.xadd(media_stream(worker).key, encode(event))
                await pipe.execute()

    async def assignments(self, worker: str) -> list[MediaAssigned | MediaUpdated]:
        """What the worker has to relay, for one that comes back after a restart."""
        with broker_errors():
            texts = await self._redis.hvals(f"vqm:assignments:{worker}")
        found = []
        for text in texts:
            kind = "MediaUpdated" if '"type":"MediaUpdated"' in text else "MediaAssigned"
            try:
                found.append(cast(MediaAssigned | MediaUpdated, decode({"type": kind, "data": text})))
            except MalformedEntry as error:  # one bad value must not keep the others from their audio
                log.warning("assignment not understood", worker=worker, error=str(error))
        return found
