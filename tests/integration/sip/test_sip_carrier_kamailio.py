"""A carrier that is not of our making: Kamailio, with its own digest, registrar, Path and Record-Route."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from shared.events import CallEnded, CallStarted, DeviceRegistered, DeviceUnregistered
from sip_proxy.effects import Address
from tests.conftest import BrokerProcess
from tests.integration.sip.calling import audio
from tests.integration.sip.carrier import DOMAIN
from tests.integration.sip.conftest import System, running
from tests.integration.sip.phone import HOST, Call, Phone, sdp
from tests.paper_worker import MEDIA_ADDRESS
from tests.ports import free_port
from tests.requirements import require_program
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

CONFIGURATION = Path(__file__).parent / "carrier.cfg"
PASSWORD = "a password of the carrier"
DEVICE, SUBSCRIBER = "0501234567", "0507654321"


class Subscriber(Phone):
    """A phone that nobody mends the address of."""

    @property
    def contact(self) -> str:
        return f"sip:{self.user}@{HOST}:{self.port}"


@dataclass(frozen=True)
class World:
    """A device behind us, and another subscriber of the same carrier."""

    system: System
    device: Phone
    subscriber: Phone


@pytest.fixture
async def world(broker: BrokerProcess, tmp_path: Path) -> AsyncIterator[World]:
    address = Address(HOST, free_port())
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(kamailio(address, tmp_path))
        system = await stack.enter_async_context(running(broker, carriers=f"{DOMAIN}=sip:{address}"))
        device = await system.phone(DEVICE, PASSWORD)
        subscriber = await stack.enter_async_context(Subscriber(address, SUBSCRIBER, PASSWORD))
        device.domain = subscriber.domain = DOMAIN
        assert (await subscriber.register()).status == 200
        yield World(system, device, subscriber)


@asynccontextmanager
async def kamailio(address: Address, folder: Path) -> AsyncIterator[None]:
    program = require_program("kamailio", "kamailio")
    configuration = folder / "carrier.cfg"
    configuration.write_text(CONFIGURATION.read_text().replace("PASSWORD", PASSWORD))
    command = [program, "-f", str(configuration), "-DD", "-m", "32", "-M", "4", "-Y", str(folder)]
    command += ["-P", str(folder / "kamailio.pid"), "-l", f"udp:{address}"]
    log = folder / "kamailio.log"
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(*command, stdout=output, stderr=asyncio.subprocess.STDOUT)

    def listens_or_gone() -> bool:
        return b"Listening on" in log.read_bytes() or process.returncode is not None

    try:
        await wait_until(listens_or_gone, "Kamailio listens", within_s=20)
        assert process.returncode is None, log.read_text()
        yield
    finally:
        if process.returncode is None:
            process.terminate()
        await asyncio.wait_for(process.wait(), 10)


async def talking(caller: Phone, callee: Phone) -> tuple[Call, Call]:
    """A call through Kamailio and us, as caller and callee see it."""
    await caller.invite(callee.user, body=sdp(4000))
    invite = await callee.request("INVITE")
    callee.send(callee.answer(invite, 180))
    await caller.response("INVITE", 180)
    callee.send(callee.answer(invite, 200, body=sdp(5000)))
    answer = await caller.response("INVITE", 200)
    call = caller.caller_side(answer)
    caller.send(caller.in_dialog("ACK", call))
    await callee.request("ACK")
    assert audio(invite).address == audio(answer).address == MEDIA_ADDRESS
    return call, callee.callee_side(invite, "callee")


async def hang_up(leaver: Phone, call: Call, stayer: Phone) -> None:
    leaver.send(leaver.in_dialog("BYE", call))
    stayer.send(stayer.answer(await stayer.request("BYE"), 200))
    assert (await leaver.response("BYE")).status == 200


@pytest.mark.parametrize("headers", [(), ("Supported: path",)])
async def test_a_device_registers_through_us_and_is_called(world: World, headers: tuple[str, ...]) -> None:
    device, subscriber = world.device, world.subscriber

    registered = await device.register(*headers, call_id="same")
    _, call = await talking(subscriber, device)
    await hang_up(device, call, subscriber)
    gone = await device.register(*headers, expires=0, call_id="same")

    assert registered.status == gone.status == 200
    [listed] = registered.headers.get_all("Contact")
    assert listed.startswith(f"<{device.contact}>;expires=")
    [told] = await world.system.hears(DeviceRegistered)
    assert told.aor == f"{DEVICE}@{DOMAIN}"
    [started] = world.system.told(CallStarted)
    assert (started.caller, started.callee) == (f"{SUBSCRIBER}@{DOMAIN}", f"{DEVICE}@{DOMAIN}")
    [ended] = await world.system.hears(CallEnded)
    assert ended.hangup_by == "callee"
    assert await world.system.hears(DeviceUnregistered)


@pytest.mark.parametrize("leaver", ["caller", "callee"])
async def test_a_device_calls_through_us(world: World, leaver: str) -> None:
    device, subscriber = world.device, world.subscriber

    mine, theirs = await talking(device, subscriber)
    if leaver == "caller":
        await hang_up(device, mine, subscriber)
    else:
        await hang_up(subscriber, theirs, device)

    [started] = world.system.told(CallStarted)  # and none for the INVITE that Kamailio answered with 407
    assert (started.caller, started.callee) == (f"{DEVICE}@{DOMAIN}", f"{SUBSCRIBER}@{DOMAIN}")
    [ended] = await world.system.hears(CallEnded)
    assert (ended.hangup_by, ended.final_code) == (leaver, 200)


async def test_a_wrong_password_is_kamailios_to_refuse(world: World) -> None:
    world.device.password = "wrong"

    assert (await world.device.register()).status == 401

    assert world.system.told(DeviceRegistered) == []
