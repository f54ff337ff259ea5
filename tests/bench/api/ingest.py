"""Entries that wait on the streams, and the service's own ingest that stores them."""

import asyncio
import gc
import random
import time
from dataclasses import dataclass

from api.__main__ import COLLECT
from api.ingest import Ingest
from api.store.database import Database
from shared.broker import Bus, connect
from shared.events import CALLS, METRICS
from shared.testing import AT
from tests.bench.api.traffic import signalling, tick


@dataclass(frozen=True, slots=True)
class Stored:
    """What was stored, in which time. CPU is that of the api's process, with SQLite in it, and without PostgreSQL."""

    slices: int
    slices_per_s: float
    cpu_us: float


async def measure_ingest(redis_url: str, database_url: str, live: int, seconds: int) -> Stored:
    """Lets entries pile up, then stores them as fast as it goes."""
    redis = connect(redis_url)
    bus = Bus(redis)
    chance = random.Random(3550)
    for number in range(live):
        await bus.publish([(CALLS, event) for event in signalling(number, AT)])
    for second in range(seconds):
        await bus.publish([(METRICS, entry) for entry in tick(range(live), second, chance)])
    database = Database.open(database_url)
    await database.migrate()
    ingest = Ingest(bus, database, "api-1", time.time)
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT)
    slices = 2 * live * seconds
    began, cpu = time.perf_counter(), time.process_time()
    storing = asyncio.ensure_future(ingest.run())
    while ingest.counters["ingest_slices"] < slices:
        await asyncio.sleep(0.01)  # a counter tells nobody
        if storing.done():
            await storing
    took, cpu = time.perf_counter() - began, time.process_time() - cpu
    storing.cancel()
    await asyncio.wait([storing])
    await database.close()
    await redis.aclose()
    return Stored(slices, slices / took, 1e6 * cpu / slices)
