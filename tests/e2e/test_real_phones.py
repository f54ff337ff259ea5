"""Phones of three makers register over every transport, and call each other and the extensions through us."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

import pytest
import pytest_asyncio

from shared.events.base import Transport
from tests.e2e.phones.baresip import baresip
from tests.e2e.phones.line import Line, RealPhone
from tests.e2e.phones.linphone import Linphone, linphone
from tests.e2e.phones.pjsua2 import pjsua2
from tests.e2e.running import Rest, RunningSystem, prepared_system
from tests.waiting import wait_until
from vqm_local.certificates import CA_CERTIFICATE, make_certificates
from vqm_local.phone import PhoneError

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]

PASSWORD = "OfEveryPhoneHere"
ENOUGH_PACKETS = 50  # one second
COMES_BACK_S = 20.0

MAKERS: dict[str, Callable[[Line, Path], AbstractAsyncContextManager[RealPhone]]] = {
    "pjsua2": pjsua2,
    "baresip": baresip,
    "linphone": linphone,
    "linphone_ice": partial(linphone, ice=True),
}
TRANSPORTS: tuple[Transport, ...] = ("udp", "tcp", "tls")
# The account of a phone tells what it is.
ACCOUNTS = {f"{maker}-{transport}": (maker, transport) for maker in MAKERS for transport in TRANSPORTS}


@dataclass(frozen=True, slots=True)
class Plan:
    """Who calls whom, and who hangs up."""

    caller: str
    callee: str
    hangs_up: Literal["caller", "callee"] = "caller"

    def __str__(self) -> str:
        return f"{self.caller}->{self.callee}"

    @property
    def parties(self) -> dict[str, str]:
        """The phones in it; an extension is none."""
        both = {"caller": self.caller, "callee": self.callee}
        return {party: name for party, name in both.items() if name in ACCOUNTS}


# Each maker calls each other one, from each transport to each other one.
PLANS = [
    Plan("pjsua2-udp", "baresip-tls"),
    Plan("pjsua2-tls", "linphone-tcp", "callee"),
    Plan("pjsua2-tcp", "999"),
    Plan("baresip-tcp", "linphone-udp"),
    Plan("baresip-tls", "pjsua2-udp", "callee"),
    Plan("baresip-udp", "998"),
    Plan("linphone-udp", "pjsua2-tcp"),
    Plan("linphone-tcp", "baresip-tls", "callee"),
    Plan("linphone-tls", "999"),
    Plan("linphone_ice-tls", "pjsua2-tls"),
]


class Desk:
    """The phones of these tests. Each is started when a test first asks for it."""

    def __init__(self, system: RunningSystem, rest: Rest, folder: Path, stack: AsyncExitStack) -> None:
        self._system = system
        self._rest = rest
        self._folder = folder
        self._stack = stack
        self._phones: dict[str, RealPhone] = {}

    async def phone(self, name: str) -> RealPhone:
        """The registered phone."""
        if name not in self._phones:
            maker, transport = ACCOUNTS[name]
            folder = self._folder / name
            folder.mkdir(exist_ok=True)
            phone = MAKERS[maker](self.line(name, transport), folder)
            self._phones[name] = await self._stack.enter_async_context(phone)
            await wait_until(lambda: self.device(name), f"{name} is registered")
        return self._phones[name]

    def line(self, name: str, transport: Transport) -> Line:
        settings = self._system.settings
        port = settings["VQM_SIPS_PORT" if transport == "tls" else "VQM_SIP_PORT"]
        # Linphone compares the certificate with names only, not with addresses.
        host = "localhost" if name.startswith("linphone") else "127.0.0.1"
        authority = Path(settings["VQM_TLS_DIR"]) / CA_CERTIFICATE
        return Line(name, PASSWORD, transport, host, int(port), authority)

    async def device(self, name: str) -> dict[str, Any] | None:
        """The phone as it is registered now."""
        devices = await self._rest.items("registrations")
        mine = (device for device in devices if device["aor"] == f"{name}@127.0.0.1")
        return next((device for device in mine if device["state"] == "registered"), None)


@pytest.fixture(scope="module")
def system() -> Iterator[RunningSystem]:
    """A system with an account for each phone."""
    with prepared_system() as prepared:
        file = prepared.data_dir.with_name("accounts.json")
        file.write_text(json.dumps([{"name": name, "password": PASSWORD} for name in ACCOUNTS]))
        prepared.settings["VQM_SIP_ACCOUNTS_FILE"] = str(file)
        prepared.start()
        yield prepared


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def rest(system: RunningSystem) -> AsyncIterator[Rest]:
    async with system.rest() as client:
        yield client


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(system: RunningSystem, rest: Rest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    async with AsyncExitStack() as stack:
        yield Desk(system, rest, tmp_path_factory.mktemp("phones"), stack)


@pytest.mark.parametrize("name", [name for name in ACCOUNTS if "ice" not in name])
async def test_a_phone_registers(system, desk, name):
    await desk.phone(name)

    _, transport = ACCOUNTS[name]
    assert (await desk.device(name))["transport"] == transport
    [binding] = json.loads(system.redis_cli("GET", f"vqm:registration:{name}@127.0.0.1"))["bindings"]
    assert binding["transport"] == transport


@pytest.mark.parametrize("plan", PLANS, ids=str)
async def test_a_call_is_carried_and_measured(system, rest, desk, plan):
    await check_call(system, rest, desk, plan)


async def test_the_media_of_two_phones_that_speak_ice_runs_through_us(system, rest, desk):
    call_id = await check_call(system, rest, desk, Plan("linphone_ice-udp", "linphone_ice-tls"))

    messages = await rest.items(f"calls/{quote(call_id, safe='')}/messages")
    directions = {message["direction"] for message in messages if "a=candidate:" in message["text"]}
    assert directions == {"received"}


async def test_a_phone_holds_a_call_and_takes_it_back(system, rest, desk):
    plan = Plan("linphone-tcp", "baresip-udp")
    phones = await begin(desk, plan)
    holder = phones["caller"]
    assert isinstance(holder, Linphone)
    call_id = (await wait_until(lambda: call_of(rest, plan), "we know of the call"))["call_id"]

    await holder.hold()
    await wait_until(lambda: not holder.talking, "the call is on hold")
    await holder.take_back()
    await wait_until(lambda: holder.talking, "the call goes on")
    before = (await rest.call(call_id))["directions"]["caller"]["packets_received"] or 0
    await wait_until(lambda: enough(rest, call_id, phones, before), "both directions are measured again")
    await holder.hang_up()

    call = await wait_until(lambda: rest.ended_call(call_id), "the call is stored")
    assert [call["directions"][party]["packets_lost"] for party in phones] == [0, 0]
    told = [event for event in system.events("vqm:calls") if event["call_id"] == call_id]
    assert [event["on_hold"] for event in told if event["type"] == "CallUpdated"] == [True, False]


async def test_phones_come_back_after_the_proxy_has_died_and_can_be_called(system, rest, desk):
    plans = Plan("pjsua2-udp", "linphone-tcp"), Plan("baresip-udp", "linphone-tls")
    for plan in plans:
        await asyncio.gather(desk.phone(plan.caller), desk.phone(plan.callee))
    died_at = time.time()
    system.kill("sip_proxy")

    def came_back() -> bool:
        events = system.events("vqm:registrations")
        users = {event["aor"].partition("@")[0] for event in events if event["at"] > died_at}
        return users >= {plan.callee for plan in plans}

    await wait_until(came_back, "the phones register again", within_s=COMES_BACK_S)
    await asyncio.gather(*(check_call(system, rest, desk, plan) for plan in plans))


async def test_the_products_phone_refuses_a_server_that_another_authority_vouches_for(desk, tmp_path):
    make_certificates(tmp_path, ["localhost", "127.0.0.1"])
    line = desk.line("pjsua2-tls", "tls")

    with pytest.raises(PhoneError, match="certificate verification"):
        async with pjsua2(replace(line, authority=tmp_path / CA_CERTIFICATE), tmp_path):
            pass


async def check_call(system: RunningSystem, rest: Rest, desk: Desk, plan: Plan) -> str:
    """Makes the call as planned, and compares what we know of it with what was done. Returns its Call-ID."""
    phones = await begin(desk, plan)
    call_id = (await wait_until(lambda: call_of(rest, plan), "we know of the call"))["call_id"]
    await wait_until(lambda: enough(rest, call_id, phones), "every direction is measured")
    await phones[plan.hangs_up].hang_up()
    await wait_until(lambda: not any(phone.talking for phone in phones.values()), "both sides know of the end")

    call = await wait_until(lambda: rest.ended_call(call_id), "the call is stored")
    for party in phones:
        measured = call["directions"][party]
        assert measured["packets_received"] == measured["packets_expected"] > ENOUGH_PACKETS
        assert measured["packets_lost"] == 0
    told = {event["type"]: event for event in system.events("vqm:calls") if event["call_id"] == call_id}
    assert told["CallAnswered"]["code"] == told["CallEnded"]["final_code"] == 200
    assert told["CallEnded"]["hangup_by"] == call["hangup_by"] == plan.hangs_up
    return call_id


async def begin(desk: Desk, plan: Plan) -> dict[str, RealPhone]:
    """Calls, and returns the phones once they talk."""
    phones = {party: await desk.phone(name) for party, name in plan.parties.items()}
    await phones["caller"].dial(plan.callee)
    await wait_until(lambda: all(phone.talking for phone in phones.values()), "both sides talk")
    return phones


async def call_of(rest: Rest, plan: Plan) -> dict[str, Any] | None:
    parties = tuple(f"{name}@127.0.0.1" for name in (plan.caller, plan.callee))
    calls = await rest.items("calls", state="live")
    return next((call for call in calls if (call["caller"], call["callee"]) == parties), None)


async def enough(rest: Rest, call_id: str, parties: Iterable[str], before: int = 0) -> bool:
    directions = (await rest.call(call_id))["directions"]
    return all((directions[party]["packets_received"] or 0) > before + ENOUGH_PACKETS for party in parties)
