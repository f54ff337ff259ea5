"""A relay worker on paper, as a process of its own: it lives, opens what it is assigned at once, and gives ports back.

`python -m tests.bench.sip.paper_worker BROKER_URL`
"""

import asyncio
import sys
import time

from shared.broker import Bus, Workers, WorkerStatus, connect
from shared.events import MediaAssigned, MediaReleased, media_stream

WORKER = "paper-worker"
PORTS = range(20000, 30000, 2)
ANNOUNCE_S = 1.0


async def work(url: str) -> None:
    redis = connect(url)
    workers = Workers(redis)
    await workers.announce(_status())
    await workers.set_free(WORKER, PORTS)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(_keep_announcing(workers))
        tasks.create_task(_serve(Bus(redis), workers))


def _status() -> WorkerStatus:
    return WorkerStatus(
        worker=WORKER,
        at=time.time(),
        address="192.0.2.80",
        port_min=PORTS[0],
        port_max=PORTS[-1] + 1,
        capacity=len(PORTS),
        load=0,
    )


async def _keep_announcing(workers: Workers) -> None:
    while True:
        await workers.announce(_status())
        await asyncio.sleep(ANNOUNCE_S)


async def _serve(bus: Bus, workers: Workers) -> None:
    stream = media_stream(WORKER)
    open_ports: dict[str, list[int]] = {}
    async for batch in bus.tail([stream], after={stream.key: "0-0"}):
        for delivery in batch:
            event = delivery.event
            if isinstance(event, MediaAssigned):
                open_ports[event.media_id] = [leg.port for leg in event.legs]
                await workers.opened(WORKER, event.media_id, open_ports[event.media_id])
            elif isinstance(event, MediaReleased) and event.media_id in open_ports:
                await workers.give_back(WORKER, open_ports.pop(event.media_id))


if __name__ == "__main__":
    asyncio.run(work(sys.argv[1]))
