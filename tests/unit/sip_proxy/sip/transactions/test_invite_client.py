"""RFC 3261 17.1.1 and RFC 6026 7.2, on a virtual clock."""

from sip_proxy.effects import ClientKey, Flow
from sip_proxy.sip.message import Request
from sip_proxy.sip.transactions.invite_client import InviteClient
from sip_proxy.sip.transactions.timers import Timers
from tests.unit.sip_proxy.builders import TO_BOB, answer, request
from tests.unit.sip_proxy.virtual_time import VirtualTime

TCP = Flow("tcp", TO_BOB.local, TO_BOB.remote)


def started(flow: Flow = TO_BOB) -> tuple[InviteClient, VirtualTime]:
    machine = InviteClient(ClientKey("z9hG4bKa", "INVITE"), request(), flow, Timers())
    time = VirtualTime(machine)
    time.do(machine.start())
    return machine, time


def test_it_repeats_the_invite_at_doubling_intervals_and_gives_up_after_64_t1() -> None:
    _, time = started()

    time.run_until(100)

    assert time.sent_at == [0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5]
    assert time.failures == ["timeout"]
    assert time.ended_at == 32


def test_it_repeats_nothing_on_a_reliable_transport() -> None:
    _, time = started(TCP)

    time.run_until(100)

    assert time.sent_at == [0]
    assert time.failures == ["timeout"]


def test_a_provisional_response_stops_repeating_and_giving_up() -> None:
    machine, time = started()

    time.do(machine.receive(answer(machine.request, 180)))
    time.run_until(500)

    assert time.sent_at == [0]
    assert time.failures == []
    assert machine.state == "proceeding"


def test_a_refusal_is_acknowledged_every_time_it_comes_and_passed_up_once() -> None:
    machine, time = started()
    refusal = answer(machine.request, 486)

    time.do(machine.receive(refusal))
    time.do(machine.receive(refusal))
    time.run_until(100)

    acks = [message for _, message in time.sent[1:]]
    assert [ack.method for ack in acks if isinstance(ack, Request)] == ["ACK", "ACK"]
    assert time.passed_up == [refusal]
    assert time.ended_at == 32  # timer D


def test_the_ack_of_a_refusal_belongs_to_this_hop() -> None:
    machine, time = started()
    machine.request.headers.add("Route", "<sip:192.0.2.9;lr>")

    time.do(machine.receive(answer(machine.request, 486)))

    ack = time.sent[-1][1]
    assert isinstance(ack, Request)
    assert (ack.uri, ack.top_via().branch) == (machine.request.uri, "z9hG4bKa")
    assert ack.to().tag == "bob"
    assert str(ack.cseq) == "1 ACK"
    assert ack.headers.get_all("Route") == ["<sip:192.0.2.9;lr>"]
    assert len(ack.vias()) == 1


def test_every_answer_is_passed_up_for_64_t1() -> None:
    machine, time = started()
    first, second = answer(machine.request, 200, "one"), answer(machine.request, 200, "two")

    time.do(machine.receive(first))
    time.do(machine.receive(second))
    time.run_until(100)

    assert time.passed_up == [first, second]
    assert time.sent_at == [0]  # the ACK is the user's
    assert time.ended_at == 32  # timer M


def test_a_refusal_after_the_answer_is_ignored() -> None:
    machine, time = started()

    time.do(machine.receive(answer(machine.request, 200)))
    time.do(machine.receive(answer(machine.request, 486)))

    assert len(time.passed_up) == 1


def test_a_network_that_refuses_ends_it_at_once() -> None:
    machine, time = started()

    time.do(machine.transport_failed())

    assert time.failures == ["transport"]
    assert time.ended_at == 0
    assert time.running_timers <= {"A", "B"} and machine.state == "terminated"
