"""Relay workers that die: before the answer another one takes the call, after it the signalling goes on."""

import time

import pytest

from shared.broker import WorkerStatus
from shared.events import CallEnded, MediaAssigned, media_stream
from tests.integration.sip.calling import audio, registered, talking
from tests.integration.sip.conftest import System
from tests.integration.sip.phone import sdp
from tests.paper_worker import WORKER

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
