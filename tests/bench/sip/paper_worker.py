"""The relay worker on paper as a process of its own: `python -m tests.bench.sip.paper_worker BROKER_URL`."""

import asyncio
import sys

from shared.broker import Bus, Workers, connect
from tests.paper_worker import PaperWorker

PORTS = range(20000, 30000, 2)


async def work(url: str) -> None:
    redis = connect(url)
    worker = PaperWorker(Bus(redis), Workers(redis), PORTS)
    await worker.announce()
    await worker.work()


if __name__ == "__main__":
    asyncio.run(work(sys.argv[1]))
