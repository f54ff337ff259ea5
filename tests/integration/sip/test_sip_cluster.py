"""Two proxies over one Redis: whichever is asked serves the call, and reaches devices of the other."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from shared.events import CallEnded
from sip_proxy.effects import Transport
from tests.conftest import BrokerProcess
from tests.integration.sip.conftest import System, running
from tests.integration.sip.phone import Phone, sdp
from tests.waiting import wait_until

pytestmark = pytest.mark.integration


@pytest.fixture
async def second(broker: BrokerProcess, system: System) -> AsyncIterator[System]:
    async with running(broker, worker=False, flush=False, instance="proxy-2") as other:
        await wait_until(lambda: system.app.neighbours == other.app.neighbours == 1, "the two to know each other")
        yield other


async def talk(alice: Phone, bob: Phone) -> None:
    """alice and bob in a call that has just been acknowledged."""
    await alice.invite("gateway-test", body=sdp(4000))
    invite = await bob.request("INVITE")
    bob.send(bob.answer(invite, 180))
    bob.send(bob.answer(invite, 200, body=sdp(5000)))
    call = alice.caller_side(await alice.response("INVITE", 200))
    alice.send(alice.in_dialog("ACK", call))
    await bob.request("ACK")
    alice.calls = [call]
    bob.calls = [bob.callee_side(invite, "callee")]


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
async def test_a_device_of_one_proxy_is_called_through_the_other(
    system: System, second: System, transport: Transport
) -> None:
    alice = await second.phone()
    bob = await system.other_phone(transport=transport)
    await bob.register()

    await talk(alice, bob)
    bob.send(bob.in_dialog("BYE", bob.calls[0]))
    bye = await alice.request("BYE")
    alice.send(alice.answer(bye, 200))

    assert (await bob.response("BYE")).status == 200
    ended = [*system.told(CallEnded), *second.told(CallEnded)]
    assert [event.hangup_by for event in ended] == ["callee"]


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_the_bye_of_a_call_is_served_by_a_proxy_that_did_not_set_it_up(
    system: System, second: System, transport: Transport
) -> None:
    alice, bob = await system.phone(transport=transport), await system.other_phone(transport=transport)
    await bob.register()
    await talk(alice, bob)
    call = alice.calls[0]
    elsewhere = await second.phone(transport=transport)

    elsewhere.send(elsewhere.in_dialog("BYE", call))
    bye = await bob.request("BYE")
    bob.send(bob.answer(bye, 200))

    assert (await elsewhere.response("BYE")).status == 200
    assert bye.routes == ()
    assert [event.hangup_by for event in second.told(CallEnded)] == ["caller"]
    assert await system.media() == []
    assert await system.redis.get(f"vqm:call:{call.call_id}") is None


async def test_what_is_sent_to_a_device_that_has_just_left_fails_at_once(system: System, second: System) -> None:
    alice, bob = await second.phone(), await system.other_phone(transport="tcp")
    await bob.register()
    bob.hang_up()
    await wait_until(lambda: system.app.counters()["tcp_connections"] == 0, "the end of the connection")

    await alice.invite("gateway-test", body=sdp(4000))

    assert (await alice.response("INVITE")).status in (480, 500, 503)


async def test_when_a_proxy_has_died_its_udp_devices_are_called_from_another(
    broker: BrokerProcess, system: System
) -> None:
    alice = await system.phone()
    async with AsyncExitStack() as phones:
        async with running(broker, worker=False, flush=False, instance="proxy-2") as dying:
            bob = await phones.enter_async_context(Phone(dying.app.address, "gateway-test", "TestMonitor123"))
            await bob.register()
            await wait_until(lambda: system.app.neighbours == 1, "the other proxy")
        await wait_until(lambda: system.app.neighbours == 0, "the death to be known")

        await alice.invite("gateway-test", body=sdp(4000))
        invite = await bob.request("INVITE")

    assert [route.uri.port for route in invite.record_routes] == [system.app.address.port]
