"""Proxies that are killed with -9 in mid-call, as real processes: the call comes to its proper end all the same."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from shared.broker import Bus, Client, Workers
from shared.events import CALLS, CallEnded
from sip_proxy.effects import Address
from tests.conftest import BrokerProcess
from tests.integration.sip.conftest import PORTS
from tests.integration.sip.phone import HOST, Phone, sdp
from tests.integration.sip.test_sip_process import proxy
from tests.paper_worker import WORKER, PaperWorker
from tests.ports import free_port
from tests.waiting import wait_until

pytestmark = pytest.mark.integration


@pytest.fixture
async def workers(redis: Client, bus: Bus) -> AsyncIterator[Workers]:
    """The registry of a worker that opens what it is assigned."""
    registry = Workers(redis)
    worker = PaperWorker(bus, registry, PORTS)
    await worker.announce()
    working = asyncio.create_task(worker.work())
    yield registry
    working.cancel()


async def talking(alice: Phone, bob: Phone) -> None:
    """Both registered, and in a call that is acknowledged; each remembers its side."""
    await wait_until(lambda: answers(alice), "the proxy")
    await alice.register()
    await bob.register()
    await alice.invite("gateway-test", body=sdp(4000))
    invite = await bob.request("INVITE")
    bob.send(bob.answer(invite, 200, body=sdp(5000)))
    call = alice.caller_side(await alice.response("INVITE", 200))
    alice.send(alice.in_dialog("ACK", call))
    await bob.request("ACK")
    alice.calls, bob.calls = [call], [bob.callee_side(invite, "callee")]


async def answers(phone: Phone) -> bool:
    phone.send(phone.write("OPTIONS", f"sip:{phone.domain}"))
    try:
        return bool(await phone.receive(lambda message: message.cseq.method == "OPTIONS", within_s=0.5))
    except TimeoutError:
        return False


async def ends(bus: Bus) -> list[CallEnded]:
    """All ends of calls that were told so far."""
    async for batch in bus.tail([CALLS], after={CALLS.key: "0-0"}):
        return [delivery.event for delivery in batch if isinstance(delivery.event, CallEnded)]
    return []


async def test_a_proxy_killed_in_mid_call_and_started_again_routes_the_bye_and_closes_the_record(
    broker: BrokerProcess, redis: Client, bus: Bus, workers: Workers
) -> None:
    port = free_port()
    settings = {"VQM_SIP_PORT": str(port), "VQM_SIP_TRANSPORTS": "udp,tcp"}
    address = Address(HOST, port)
    async with (
        Phone(address, "gateway-monitor", "VoipQuality2025!") as alice,
        Phone(address, "gateway-test", "TestMonitor123") as bob,
    ):
        async with proxy(broker, **settings) as killed:
            await talking(alice, bob)
            killed.kill()
            await killed.wait()
        async with proxy(broker, **settings):
            await wait_until(lambda: answers(alice), "the proxy's return")
            bob.send(bob.in_dialog("BYE", bob.calls[0]))
            alice.send(alice.answer(await alice.request("BYE"), 200))
            goodbye = await bob.response("BYE")
            [ended] = await wait_until(lambda: ends(bus), "the end of the call")

    assert goodbye.status == 200
    assert ended.hangup_by == "callee"
    assert await workers.assignments(WORKER) == []
    assert await redis.get(f"vqm:call:{ended.call_id}") is None


async def test_another_proxy_serves_the_bye_of_a_call_whose_own_was_killed(
    broker: BrokerProcess, redis: Client, bus: Bus, workers: Workers
) -> None:
    first, second = free_port(), free_port()
    plain = {"VQM_SIP_TRANSPORTS": "udp"}
    async with (
        proxy(broker, VQM_SIP_PORT=str(second), VQM_INSTANCE="proxy-2", **plain),
        Phone(Address(HOST, first), "gateway-monitor", "VoipQuality2025!") as alice,
        Phone(Address(HOST, first), "gateway-test", "TestMonitor123") as bob,
    ):
        async with proxy(broker, VQM_SIP_PORT=str(first), VQM_INSTANCE="proxy-1", **plain) as killed:
            await talking(alice, bob)
            killed.kill()
            await killed.wait()
        alice.proxy = bob.proxy = Address(HOST, second)
        await wait_until(lambda: answers(alice), "the second proxy")
        alice.send(alice.in_dialog("BYE", alice.calls[0]))
        bye = await bob.request("BYE")
        bob.send(bob.answer(bye, 200))
        goodbye = await alice.response("BYE")
        [ended] = await wait_until(lambda: ends(bus), "the end of the call")

    assert goodbye.status == 200
    assert ended.hangup_by == "caller"
    assert await workers.assignments(WORKER) == []
