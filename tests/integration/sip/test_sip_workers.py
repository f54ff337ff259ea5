"""Relay workers that die: before the answer another one takes the call, after it the signalling goes on."""

import time

import pytest

from shared.broker import WorkerStatus
from shared.events import CallEnded, MediaAssigned, media_stream
from tests.conftest import BrokerProcess
from tests.integration.sip.calling import audio, registered, talking
from tests.integration.sip.conftest import System, running
from tests.integration.sip.phone import sdp
from tests.paper_worker import MEDIA_ADDRESS, WORKER
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

DEAD = "a-dead-worker"  # first in the order of names
DEAD_ADDRESS = "192.0.2.81"


async def announce_a_dead_worker(system: System) -> None:
    """It has just announced itself, and will never open a port."""
    status = WorkerStatus(
        worker=DEAD, at=time.time(), address=DEAD_ADDRESS, port_min=30000, port_max=30003, capacity=20, load=0
    )
    await system.workers.announce(status)
    await system.workers.set_free(DEAD, [30000, 30002])


async def test_another_worker_takes_the_call_when_one_dies_before_it_opened_the_ports(system: System) -> None:
    alice, bob = await registered(system)
    await announce_a_dead_worker(system)

    await alice.invite("gateway-test", body=sdp(4000))
    invite = await bob.request("INVITE")

    [media] = await system.media()
    asked = await system.redis.xrange(media_stream(DEAD).key)
    assert [fields["type"] for _, fields in asked] == ["MediaAssigned", "MediaReleased"]
    assert await system.workers.assignments(DEAD) == []
    assert isinstance(media, MediaAssigned)
    assert audio(invite).port == media.legs[1].port
    assert DEAD_ADDRESS.encode() not in invite.body


async def test_an_extension_takes_another_worker_too(system: System) -> None:
    phone = await system.phone()
    await announce_a_dead_worker(system)

    await phone.invite("999", body=sdp(4000))
    answer = await phone.response("INVITE")

    [media] = await system.media()
    assert (audio(answer).address, audio(answer).port) == (MEDIA_ADDRESS, media.legs[0].port)


async def test_ports_come_back_when_the_broker_is_lost_while_they_are_opened(broker_process: BrokerProcess) -> None:
    async with running(broker_process, worker=False) as system:
        alice, _ = await registered(system)
        await announce_a_dead_worker(system)

        async def told() -> list[str]:
            return [fields["type"] for _, fields in await system.redis.xrange(media_stream(DEAD).key)]

        await alice.invite("gateway-test", body=sdp(4000))
        await wait_until(told, "the assignment")
        broker_process.stop()
        answer = await alice.response("INVITE")
        broker_process.start()

        assert answer.status == 503

        async def released() -> bool:
            return await told() == ["MediaReleased"]  # the broker has lost what was before

        await wait_until(released, "the release")


async def test_a_call_is_signalled_on_when_its_worker_died(system: System) -> None:
    alice, bob = await registered(system)
    call, _ = await talking(alice, bob)
    await system.workers.withdraw(WORKER)

    alice.send(alice.in_dialog("INVITE", call, body=sdp(4002)))
    bob.send(bob.answer(await bob.request("INVITE"), 200, body=sdp(5000)))
    assert (await alice.response("INVITE")).status == 200
    alice.send(alice.in_dialog("BYE", call))
    bob.send(bob.answer(await bob.request("BYE"), 200))
    assert (await alice.response("BYE")).status == 200

    [ended] = await system.hears(CallEnded)
    assert ended.hangup_by == "caller"
