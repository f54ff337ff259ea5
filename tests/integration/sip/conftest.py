"""A SIP proxy on real UDP and a real broker, with a relay worker that only exists on paper."""

import asyncio
import atexit
import secrets
import shutil
import ssl
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeVar

import pytest
import uvloop

from shared.broker import AccountBook, Bus, NonceUses, Outbox, Proxies, Quotas, Registry, State, Workers, connect
from shared.events import Draft, Event, MediaAssigned, MediaUpdated, Stream
from shared.testing import RecordingOutbox
from sip_proxy.__main__ import load_accounts
from sip_proxy.app import App
from sip_proxy.settings import SipProxySettings
from sip_proxy.sip.transactions import Timers
from tests.conftest import BrokerProcess
from tests.integration.sip.phone import HOST, Phone
from tests.paper_worker import WORKER, PaperWorker
from tests.waiting import wait_until
from vqm_local.certificates import make_certificates

PORTS = range(20000, 20040, 2)
# A tenth of the real T1: tests see retransmissions and timeouts without waiting for half a minute.
TIMERS = Timers(t1=0.05, t2=0.4, t4=0.2, d=1.0, c=20.0)

SomeEvent = TypeVar("SomeEvent", bound=Event)


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """The event loop that the proxy really runs on."""
    return {"uvloop": uvloop.new_event_loop}


@cache
def tls_dir() -> Path:
    """A folder with certificates for this machine."""
    folder = Path(tempfile.mkdtemp(prefix="vqm-certs-"))
    atexit.register(shutil.rmtree, folder)
    make_certificates(folder, ["localhost", HOST])
    return folder


class System:
    """A running proxy, and what it told."""

    def __init__(self, app: App, outbox: RecordingOutbox, redis: Any, phones: AsyncExitStack) -> None:
        self.app = app
        self.outbox = outbox
        self.redis = redis
        self.state = State(redis)
        self.workers = Workers(redis)
        self.bus = Bus(redis)
        self._phones = phones
        self.trusting = ssl.create_default_context(cafile=str(tls_dir() / "ca.crt"))

    def told(self, kind: type[SomeEvent]) -> list[SomeEvent]:
        """All events of a class so far."""
        return [event for event in self.outbox.events if isinstance(event, kind)]

    async def hears(self, kind: type[SomeEvent], count: int = 1) -> list[SomeEvent]:
        """Waits until the proxy has told of so many."""
        found: list[SomeEvent] = await wait_until(
            lambda: self.told(kind) if len(self.told(kind)) >= count else None, f"{count} {kind.__name__}"
        )
        return found

    async def phone(self, user: str = "gateway-monitor", password: str = "VoipQuality2025!", **more: Any) -> Phone:
        """A phone on the transport that it names, UDP otherwise."""
        address = self.app.address
        if more.get("transport") == "tls":
            assert self.app.secure_address is not None
            address = self.app.secure_address
            more.setdefault("tls", self.trusting)
        return await self._phones.enter_async_context(Phone(address, user, password, **more))

    async def other_phone(self, **more: Any) -> Phone:
        return await self.phone("gateway-test", "TestMonitor123", **more)

    async def media(self) -> list[MediaAssigned | MediaUpdated]:
        """What the worker has to relay now."""
        return await self.workers.assignments(WORKER)

    async def free_ports(self) -> int:
        return len(await self.redis.smembers(f"vqm:ports:{WORKER}"))


@asynccontextmanager
async def running(
    broker: BrokerProcess,
    timers: Timers = TIMERS,
    *,
    worker: bool = True,
    flush: bool = True,
    now: Callable[[], float] = time.time,
    ports: range = PORTS,
    **changes: Any,
) -> AsyncIterator[System]:
    redis = connect(broker.url)
    if flush:
        await redis.flushdb()
    paper = PaperWorker(Bus(redis), Workers(redis), ports)
    settings = SipProxySettings(
        **{
            "redis_url": broker.url,
            "bind": HOST,
            "sip_port": 0,
            "sips_port": 0,
            "tls_dir": tls_dir(),
            "registration_min_s": 1,
            "probe_interval_s": 0,
            **changes,
        }
    )
    outbox = RecordingOutbox()
    if worker:
        await paper.announce()
    ready: asyncio.Future[App] = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(_serve(settings, redis, outbox, timers, now, ready))
    announcing = asyncio.create_task(paper.work()) if worker else None
    try:
        async with AsyncExitStack() as phones:
            async with asyncio.timeout(10):
                app = await ready
            yield System(app, outbox, redis, phones)
            assert app.counters()["work_broken_off"] == 0, "a bug broke off the work on a call"
            assert app.counters()["messages_broken_off"] == 0, "a bug broke off the reading of a message"
    finally:
        for task in filter(None, (serving, announcing)):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await redis.aclose()
        await asyncio.sleep(0)  # closed sockets are let go in the next round of the loop


async def _serve(
    settings: SipProxySettings,
    redis: Any,
    outbox: RecordingOutbox,
    timers: Timers,
    now: Callable[[], float],
    ready: asyncio.Future[App],
) -> None:
    token = partial(secrets.token_hex, 8)
    real = Outbox(Bus(redis))

    def publish(stream: Stream, event: Event | Draft) -> None:
        outbox.put(stream, event)
        real.put(stream, event)

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(real.run())
        app = App(
            settings,
            load_accounts(settings),
            AccountBook(redis),
            Bus(redis),
            State(redis),
            Workers(redis),
            Proxies(redis),
            Quotas(redis),
            Registry(redis),
            NonceUses(redis),
            publish,
            tasks,
            now,
            token,
            timers,
        )
        try:
            await app.start()
            ready.set_result(app)
            await asyncio.Event().wait()
        finally:
            app.close()


@pytest.fixture
async def system(broker: BrokerProcess) -> AsyncIterator[System]:
    async with running(broker) as system:
        yield system
