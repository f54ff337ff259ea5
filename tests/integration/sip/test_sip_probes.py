"""OPTIONS probes of registered devices on the live port."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from shared.events import GatewayDown, GatewayProbed, GatewayUp, RegistrationExpired
from sip_proxy.effects import Address
from sip_proxy.sip.transactions import Timers
from tests.conftest import BrokerProcess
from tests.integration.sip.conftest import System, running
from tests.integration.sip.phone import HOST, Phone
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

OFTEN: dict[str, Any] = {"probe_interval_s": 0.1, "probe_down_after": 2, "probe_up_after": 2}


@pytest.fixture
async def system(broker: BrokerProcess) -> AsyncIterator[System]:
    async with running(broker, **OFTEN) as system:
        yield system


async def answer(phone: Phone, *statuses: int) -> None:
    """Answers so many probes."""
    for status in statuses:
        phone.send(phone.answer(await phone.request("OPTIONS"), status))


@asynccontextmanager
async def answering(phone: Phone) -> AsyncIterator[None]:
    """Answers every probe as it comes, repetitions too."""

    async def answer_all() -> None:
        while True:
            await answer(phone, 200)

    phone.inbox.clear()
    task = asyncio.create_task(answer_all())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@pytest.mark.parametrize("status", [200, 404, 481, 501, 603])
async def test_any_answer_is_a_sign_of_life(broker: BrokerProcess, status: int) -> None:
    async with running(broker, Timers(), **OFTEN) as system:
        phone = await system.phone()
        await phone.register()

        await answer(phone, status)

        [up] = await system.hears(GatewayUp)
        assert up.source == f"127.0.0.1:{phone.port}"  # on its flow, not at the private address of its Contact
        probed = system.told(GatewayProbed)[0]
    assert (up.aor, up.contact) == ("gateway-monitor@127.0.0.1", phone.contact)
    assert probed.code == status
    assert probed.rtt_ms is not None
    assert 0 <= probed.rtt_ms < 500


async def test_a_probe_is_an_ordinary_options_for_the_contact(system: System) -> None:
    phone = await system.phone()
    await phone.register()

    probe = await phone.request("OPTIONS")

    assert probe.uri == phone.contact
    assert str(probe.to().target) == phone.contact
    assert probe.max_forwards == 70
    assert probe.body == b""


async def test_a_gateway_that_leaves_probes_unanswered_is_down_until_it_answers_again(system: System) -> None:
    phone = await system.phone()
    await phone.register()
    await answer(phone, 200)
    [up] = await system.hears(GatewayUp)

    [down] = await system.hears(GatewayDown)
    assert down.lost == 2
    assert down.last_answer_at is not None
    assert down.last_answer_at >= up.at
    assert [probed.code for probed in system.told(GatewayProbed)][-2:] == [None, None]

    async with answering(phone):
        await system.hears(GatewayUp, 2)


async def test_an_answer_to_a_probe_that_was_sent_twice_has_no_round_trip_time(broker: BrokerProcess) -> None:
    async with running(broker, Timers(t1=0.2), **OFTEN) as system:
        phone = await system.phone()
        await phone.register()
        first = await phone.request("OPTIONS")
        again = await phone.receive(lambda message: message.call_id == first.call_id)

        phone.send(phone.answer(again, 200))

        await system.hears(GatewayUp)
        [probed] = [event for event in system.told(GatewayProbed) if event.code is not None]
        assert probed.rtt_ms is None


async def test_a_device_that_has_left_is_not_asked_any_more(system: System) -> None:
    phone, other = await system.phone(), await system.other_phone()

    def probed(contact: str) -> int:
        return sum(event.contact == contact for event in system.told(GatewayProbed))

    async with answering(phone), answering(other):
        await phone.register()
        await other.register()
        await wait_until(lambda: probed(phone.contact) >= 2, "two probes")
        await phone.register(expires=0)
        before, others = probed(phone.contact), probed(other.contact)
        await wait_until(lambda: probed(other.contact) >= others + 5, "five more of the other")

    assert probed(phone.contact) <= before + 1  # one may have been under way


async def test_a_restart_of_the_proxy_tells_nothing_new(broker: BrokerProcess) -> None:
    async with Phone(Address(HOST, 9), "gateway-monitor", "VoipQuality2025!") as phone:
        async with running(broker, **OFTEN) as before:
            phone.proxy = before.app.address
            await phone.register()
            async with answering(phone):
                await before.hears(GatewayUp)
        async with running(broker, flush=False, **OFTEN) as after, answering(phone):
            phone.proxy = after.app.address
            await after.hears(GatewayProbed, 3)

            assert [*after.told(GatewayUp), *after.told(GatewayDown)] == []


async def test_a_device_is_asked_on_its_connection_and_down_when_that_is_gone(system: System) -> None:
    async with Phone(system.app.address, "gateway-monitor", "VoipQuality2025!", transport="tcp") as phone:
        await phone.register()
        await answer(phone, 200)
        [up] = await system.hears(GatewayUp)

    [down] = await system.hears(GatewayDown)

    assert up.transport == down.transport == "tcp"


async def test_each_contact_is_asked_by_the_replica_that_it_registered_with(broker: BrokerProcess) -> None:
    async with running(broker, **OFTEN) as first, running(broker, flush=False, instance="proxy-2", **OFTEN) as second:
        here, there = await first.phone(), await second.other_phone()
        await here.register()
        await there.register()

        await first.hears(GatewayProbed, 5)
        await second.hears(GatewayProbed, 5)

    assert {event.contact for event in first.told(GatewayProbed)} == {here.contact}
    assert {event.contact for event in second.told(GatewayProbed)} == {there.contact}


async def test_the_state_can_be_read_and_probes_are_not_on_the_ladder(system: System) -> None:
    phone = await system.phone()
    await phone.register()
    await answer(phone, 200)

    state = await wait_until(
        lambda: system.state.get(f"vqm:gateway:gateway-monitor@127.0.0.1:{phone.contact}"), "the state"
    )

    assert '"state":"up"' in state
    assert {getattr(event, "method", "REGISTER") for event in system.outbox.events} == {"REGISTER"}


async def test_without_an_interval_nobody_is_asked(broker: BrokerProcess) -> None:
    async with running(broker, probe_interval_s=0) as system:
        phone = await system.phone()
        await phone.register(expires=1)

        await system.hears(RegistrationExpired)

        assert phone.inbox == []
