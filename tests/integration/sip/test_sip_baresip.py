"""A baresip of the distribution registers, with outbound (RFC 5626), and is reached on its flow."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from shared.events import DeviceRegistered, DeviceUnregistered, GatewayUp
from sip_proxy.effects import Address, Transport
from sip_proxy.sip.transactions import Timers
from tests.conftest import BrokerProcess
from tests.integration.sip.conftest import running
from tests.integration.sip.phone import HOST
from tests.requirements import require_program

pytestmark = pytest.mark.integration

INSTANCE = "11111111-2222-3333-4444-555555555555"
CONFIG = f"""\
module_path /usr/lib/baresip/modules
sip_listen {HOST}:0
module g711.so
module_tmp uuid.so
module_tmp account.so
module_app menu.so
"""
ACCOUNT = (
    "<sip:gateway-monitor@{proxy};transport={transport}>;auth_pass=VoipQuality2025!;regint=60;sipnat=outbound;"
    'outbound="sip:{proxy};transport={transport}"\n'
)


@asynccontextmanager
async def baresip(folder: Path, proxy: Address, transport: Transport) -> AsyncIterator[None]:
    program = require_program("baresip", "baresip-core")
    (folder / "config").write_text(CONFIG)
    (folder / "uuid").write_text(INSTANCE)
    (folder / "accounts").write_text(ACCOUNT.format(proxy=proxy, transport=transport))
    process = await asyncio.create_subprocess_exec(
        program, "-f", str(folder), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.DEVNULL
    )
    try:
        yield
    finally:
        process.terminate()
        await process.wait()


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_baresip_registers_and_is_reached_on_its_flow(
    broker: BrokerProcess, tmp_path: Path, transport: Transport
) -> None:
    async with running(broker, Timers(), probe_interval_s=0.5) as system:
        async with baresip(tmp_path, system.app.address, transport):
            [registered] = await system.hears(DeviceRegistered)
            [up] = await system.hears(GatewayUp)
            caller = await system.other_phone()
            await caller.authenticated("OPTIONS", f"sip:gateway-monitor@{caller.domain}")
            answer = await caller.response("OPTIONS")

        await system.hears(DeviceUnregistered)

    assert registered.transport == transport
    assert up.source == registered.source
    assert answer.status == 200
