"""A relay worker that only exists on paper: it lives, opens what it is assigned and gives it back, and no packet ever
passes it."""

import asyncio
import time
from contextlib import suppress

from shared.broker import BrokerLost, Bus, Workers, WorkerStatus
from shared.events import Event, MediaAssigned, MediaReleased, media_stream

WORKER = "paper-worker"
MEDIA_ADDRESS = "192.0.2.80"


class PaperWorker:
    """What a proxy sees of a worker with these ports."""

    def __init__(self, bus: Bus, workers: Workers, ports: range) -> None:
        self._bus = bus
        self._workers = workers
        self._ports = ports

    async def announce(self) -> None:
        """Declares all its ports free."""
        await self._workers.announce(self._status())
        await self._workers.set_free(WORKER, self._ports)

    async def work(self) -> None:
        """Serves until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._keep_announcing())
            tasks.create_task(self._serve())

    def _status(self) -> WorkerStatus:
        return WorkerStatus(
            worker=WORKER,
            at=time.time(),
            address=MEDIA_ADDRESS,
            port_min=self._ports[0],
            port_max=self._ports[-1] + 1,
            capacity=len(self._ports),
            load=0,
        )

    async def _keep_announcing(self) -> None:
        while True:
            with suppress(BrokerLost):
                await self._workers.announce(self._status())
            await asyncio.sleep(1)

    async def _serve(self) -> None:
        stream = media_stream(WORKER)
        open_ports: dict[str, list[int]] = {}
        async for batch in self._bus.tail([stream], after={stream.key: "0-0"}):
            for delivery in batch:
                with suppress(BrokerLost):
                    await self._handle(delivery.event, open_ports)

    async def _handle(self, event: Event | None, open_ports: dict[str, list[int]]) -> None:
        match event:
            case MediaAssigned(media_id=media_id, legs=legs):
                open_ports[media_id] = [leg.port for leg in legs]
                await self._workers.opened(WORKER, media_id, open_ports[media_id])
            case MediaReleased(media_id=media_id) if media_id in open_ports:
                await self._workers.give_back(WORKER, open_ports.pop(media_id))
