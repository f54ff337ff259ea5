"""RFC 3261 17.2.1 and RFC 6026 7.1, on a virtual clock."""

import pytest

from sip_proxy.effects import Flow, ServerKey
from sip_proxy.sip.transactions.invite_server import InviteServer
from sip_proxy.sip.transactions.timers import Timers
from tests.unit.sip_proxy.builders import FROM_ALICE, answer, request
from tests.unit.sip_proxy.virtual_time import VirtualTime

TCP = Flow("tcp", FROM_ALICE.local, FROM_ALICE.remote)


def opened(flow: Flow = FROM_ALICE) -> tuple[InviteServer, VirtualTime]:
    machine = InviteServer(ServerKey("z9hG4bKa", "198.51.100.7:40000", "INVITE"), request(), flow, Timers())
    return machine, VirtualTime(machine)


def test_a_repeated_invite_is_answered_with_the_last_provisional() -> None:
    machine, time = opened()
    ringing = answer(request(), 180)

    time.do(machine.receive(request()))
    time.do(machine.respond(answer(request(), 100)))
    time.do(machine.respond(ringing))
    time.do(machine.receive(request()))

    assert [message for _, message in time.sent][1:] == [ringing, ringing]


def test_a_refusal_is_repeated_until_its_ack_or_64_t1() -> None:
    machine, time = opened()

    time.do(machine.respond(answer(request(), 486)))
    time.run_until(100)

    assert time.sent_at == [0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]
    assert time.failures == ["timeout"]
    assert time.ended_at == 32


def test_the_ack_of_a_refusal_is_absorbed_and_ends_it_after_t4() -> None:
    machine, time = opened()

    time.do(machine.respond(answer(request(), 486)))
    time.do(machine.receive(request("ACK")))
    time.do(machine.receive(request("ACK")))
    time.run_until(100)

    assert time.sent_at == [0]
    assert time.passed_up == []
    assert time.ended_at == 5


def test_a_repeated_invite_after_the_answer_is_absorbed() -> None:
    """It would set up a second call otherwise (RFC 6026)."""
    machine, time = opened()

    time.do(machine.respond(answer(request(), 200)))
    time.do(machine.receive(request()))
    time.run_until(100)

    assert time.sent_at == [0]
    assert time.ended_at == 32  # timer L


def test_the_user_may_repeat_its_answer_but_not_change_its_mind() -> None:
    machine, time = opened()
    accepted = answer(request(), 200)

    time.do(machine.respond(accepted))
    time.do(machine.respond(accepted))
    time.do(machine.respond(answer(request(), 486)))
    time.do(machine.respond(answer(request(), 180)))

    assert [message for _, message in time.sent] == [accepted, accepted]


def test_the_ack_of_an_answer_is_the_users() -> None:
    machine, time = opened()
    ack = request("ACK")

    time.do(machine.respond(answer(request(), 200)))
    time.do(machine.receive(ack))

    assert time.passed_up == [ack]


def test_nothing_is_repeated_on_a_reliable_transport() -> None:
    machine, time = opened(TCP)

    time.do(machine.respond(answer(request(), 486)))
    time.run_until(10)
    time.do(machine.receive(request("ACK")))

    assert time.sent_at == [0]
    assert time.ended_at == 10


@pytest.mark.parametrize("status", [180, 486])
def test_a_network_that_refuses_ends_it(status: int) -> None:
    machine, time = opened()

    time.do(machine.respond(answer(request(), status)))
    time.do(machine.transport_failed())

    assert time.failures == ["transport"]
    assert machine.state == "terminated"
