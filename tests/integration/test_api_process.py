"""The api as a process of its own: how it starts, how it stops, and what a kill -9 costs."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import asynccontextmanager

import pytest

from shared.broker import Bus
from shared.events import CALLS, METRICS
from shared.testing import call_started, measures, slice_of, slices_measured
from tests.integration.api_running import PASSWORD, eventually, message, signed_in

pytestmark = pytest.mark.integration


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        found: int = probe.getsockname()[1]
        return found


def start(broker, folder, port: int, **settings: str) -> subprocess.Popen[bytes]:
    chosen = {"REDIS_URL": broker.url, "DATA_DIR": str(folder), "HTTP_PORT": str(port), "BIND": "127.0.0.1", **settings}
    environment = {name: value for name, value in os.environ.items() if not name.startswith("VQM_")}
    environment |= {f"VQM_{name}": value for name, value in chosen.items()}
    return subprocess.Popen([sys.executable, "-m", "api"], env=environment, stderr=subprocess.PIPE)


@asynccontextmanager
async def running(broker, folder, port: int, **settings: str):
    process = start(broker, folder, port, ADMIN_PASSWORD=PASSWORD, **settings)
    try:
        await eventually(lambda: asyncio.to_thread(_listens, port), 30)
        async with signed_in(port) as api:
            yield process, api
    finally:
        process.kill()
        process.communicate()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


async def test_sigterm_ends_it_at_once_and_cleanly_although_clients_are_connected(broker, redis, tmp_path, port):
    async with running(broker, tmp_path, port) as (process, api):
        websocket = await api.websocket()
        await message(websocket, "snapshot")

        process.send_signal(signal.SIGTERM)

        assert await asyncio.to_thread(process.wait, 10) == 0
        await websocket.wait_closed()
        assert websocket.close_code == 1012


async def test_kill_9_while_storing_loses_nothing_and_stores_nothing_twice(broker, redis, tmp_path, port, database_url):
    bus = Bus(redis)
    began = time.time() // 5 * 5 - 1000
    parts = [slice_of(started_at=began + n, total=measures(50 * (n + 1))) for n in range(400)]
    await bus.publish([(CALLS, call_started(at=began))])

    async with running(broker, tmp_path, port, DATABASE_URL=database_url) as (process, api):
        for part in parts[:200]:
            await bus.publish([(METRICS, slices_measured(part))])
        process.send_signal(signal.SIGKILL)
        await asyncio.to_thread(process.wait, 10)
    await bus.publish([(METRICS, slices_measured(part)) for part in parts[200:]])

    async with running(broker, tmp_path, port, DATABASE_URL=database_url) as (_, api):

        async def complete():
            (call,) = (await api.get("/api/v1/calls"))["items"]
            return call["directions"]["caller"]["packets_expected"] == 20_000

        await eventually(complete)
        slices = (await api.get("/api/v1/calls/call-1/slices"))["items"]

    assert sum(row["packets_expected"] for row in slices) == 20_000


async def test_a_port_that_is_taken_stops_the_start_with_one_sentence(broker, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]

        process = start(broker, tmp_path, number)
        _, errors = await asyncio.to_thread(process.communicate, None, 30)

    assert process.returncode == 1
    assert errors.decode().strip() == f"VQM_HTTP_PORT={number} cannot be used on 127.0.0.1: Address already in use"
