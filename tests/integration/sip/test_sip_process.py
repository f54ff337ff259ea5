"""The proxy as a process: it beats, it leaves on SIGTERM, and it says why when it cannot start."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from shared.accounts import seeded, sip_account
from shared.broker import AccountBook, State, connect
from shared.health import alive
from sip_proxy.effects import Address
from tests.conftest import BrokerProcess
from tests.integration.sip.phone import HOST, Phone
from tests.ports import free_port
from tests.waiting import wait_until

pytestmark = pytest.mark.integration


@asynccontextmanager
async def proxy(broker: BrokerProcess, **settings: str) -> AsyncIterator[asyncio.subprocess.Process]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("VQM_")}
    environment |= {"VQM_REDIS_URL": broker.url, "VQM_BIND": HOST, **settings}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "sip_proxy",
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def test_it_beats_serves_and_leaves_on_sigterm(broker: BrokerProcess) -> None:
    port = free_port()
    redis = connect(broker.url)
    await redis.flushdb()
    state = State(redis)

    async def beats() -> bool:
        return any(heartbeat.service == "sip-proxy" for heartbeat in await alive(state))

    async with proxy(broker, VQM_SIP_PORT=str(port)) as process:
        await wait_until(beats, "the first heartbeat")
        async with Phone(Address(HOST, port), "gateway-monitor", "VoipQuality2025!") as phone:
            answer = await phone.register()
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(10):
            said, _ = await process.communicate()
        [heartbeat] = [beat for beat in await alive(state) if beat.service == "sip-proxy"]

    events = await redis.xrevrange("vqm:registrations", count=10)
    await redis.aclose()
    assert answer.status == 200
    assert process.returncode == 0
    assert b"Traceback" not in said
    assert [fields["type"] for _, fields in events] == ["DeviceRegistered"]  # also what waited at the end is published
    assert heartbeat.instance == "proxy-1"


async def test_production_starts_once_there_are_accounts_of_ones_own(broker: BrokerProcess) -> None:
    port = free_port()
    redis = connect(broker.url)
    await redis.flushdb()
    await AccountBook(redis).write(None, "1", [*seeded("vqm"), sip_account("office", "vqm", "a secret of its own")])

    async def registers(user: str, password: str) -> int:
        async with Phone(Address(HOST, port), user, password) as phone:
            return (await phone.register()).status

    async def beats() -> bool:
        return any(heartbeat.service == "sip-proxy" for heartbeat in await alive(State(redis)))

    async with proxy(broker, VQM_SIP_PORT=str(port), VQM_PROFILE="production"):
        await wait_until(beats, "the first heartbeat")
        statuses = [
            await registers("office", "a secret of its own"),
            await registers("gateway-monitor", "VoipQuality2025!"),
        ]

    await redis.flushdb()
    await redis.aclose()
    assert statuses == [200, 401]


async def test_production_does_not_start_with_published_passwords_alone(broker: BrokerProcess) -> None:
    redis = connect(broker.url)
    await redis.flushdb()
    await AccountBook(redis).write(None, "1", seeded("vqm"))

    async with proxy(broker, VQM_PROFILE="production") as process:
        async with asyncio.timeout(20):
            said, _ = await process.communicate()

    await redis.flushdb()
    await redis.aclose()
    assert process.returncode == 2
    assert "VQM_SIP_ACCOUNTS_FILE" in said.decode()


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"VQM_PROFILE": "production"}, "VQM_SIP_ACCOUNTS_FILE"),
        ({"VQM_SIP_ACCOUNTS_FILE": "/nowhere.json"}, "VQM_SIP_ACCOUNTS_FILE"),
        ({"VQM_SIP_PORT": "many"}, "VQM_SIP_PORT"),
    ],
)
async def test_a_wrong_setting_is_named_and_nothing_starts(
    broker: BrokerProcess, settings: dict[str, str], word: str
) -> None:
    async with proxy(broker, **settings) as process:
        async with asyncio.timeout(20):
            said, _ = await process.communicate()

    assert process.returncode == 2
    assert word in said.decode()
    assert "Traceback" not in said.decode()


async def test_a_taken_port_ends_the_start(broker: BrokerProcess) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind((HOST, 0))
        async with proxy(broker, VQM_SIP_PORT=str(taken.getsockname()[1])) as process:
            async with asyncio.timeout(20):
                said, _ = await process.communicate()

    assert process.returncode == 1
    assert "in use" in said.decode()
