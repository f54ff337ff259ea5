"""A worker on loopback with a real broker, the metrics it publishes, and people who call each other."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from rtp_analyzer.worker import Worker
from shared.broker import Bus, Workers
from shared.events import (
    METRICS,
    MediaAssigned,
)
from tests.integration.rtp_phone import RtpPhone, free_ports
from tests.integration.worker.working import (
    Metrics,
    place_call,
    running_worker,
)


@pytest.fixture
def workers(redis) -> Workers:
    return Workers(redis)


@pytest.fixture
async def metrics(redis) -> AsyncIterator[Metrics]:
    seen = Metrics()

    async def follow() -> None:
        async for batch in Bus(redis).tail([METRICS], after={METRICS.key: "0-0"}):
            seen.events.extend(delivery.event for delivery in batch if delivery.event is not None)

    task = asyncio.create_task(follow())
    yield seen
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


@pytest.fixture
def ports() -> range:
    return free_ports(6)


@pytest.fixture
async def worker(redis, ports) -> AsyncIterator[Worker]:
    async with running_worker(redis, ports) as running:
        yield running


@pytest.fixture
def phone() -> Iterator[Callable[[int], RtpPhone]]:
    phones: list[RtpPhone] = []

    def make(port: int) -> RtpPhone:
        phones.append(RtpPhone(port))
        return phones[-1]

    yield make
    for made in phones:
        made.close()


@pytest.fixture
async def call(workers, worker, phone) -> tuple[MediaAssigned, RtpPhone, RtpPhone]:
    """Alice calls Bob: the assignment is written."""
    return await place_call(workers, phone)
