"""RFC 3261 17.1.2 and 17.2.2, on a virtual clock."""

from sip_proxy.effects import ClientKey, Flow, ServerKey
from sip_proxy.sip.transactions.non_invite_client import NonInviteClient
from sip_proxy.sip.transactions.non_invite_server import NonInviteServer
from sip_proxy.sip.transactions.timers import Timers
from tests.unit.sip_proxy.builders import FROM_ALICE, TO_BOB, answer, request
from tests.unit.sip_proxy.virtual_time import VirtualTime

TCP = Flow("tcp", TO_BOB.local, TO_BOB.remote)


def client(flow: Flow = TO_BOB) -> tuple[NonInviteClient, VirtualTime]:
    machine = NonInviteClient(ClientKey("z9hG4bKa", "BYE"), request("BYE"), flow, Timers())
    time = VirtualTime(machine)
    time.do(machine.start())
    return machine, time


def server(flow: Flow = FROM_ALICE) -> tuple[NonInviteServer, VirtualTime]:
    machine = NonInviteServer(ServerKey("z9hG4bKa", "198.51.100.7:40000", "BYE"), request("BYE"), flow, Timers())
    return machine, VirtualTime(machine)


def test_a_request_is_repeated_up_to_every_four_seconds_for_64_t1() -> None:
    _, time = client()

    time.run_until(100)

    assert time.sent_at == [0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]
    assert time.failures == ["timeout"]
    assert time.ended_at == 32


def test_after_a_provisional_response_it_is_repeated_every_four_seconds() -> None:
    machine, time = client()

    time.do(machine.receive(answer(machine.request, 100)))
    time.run_until(10)

    assert time.sent_at == [0, 0.5, 4.5, 8.5]


def test_the_final_response_is_passed_up_once() -> None:
    machine, time = client()
    final = answer(machine.request, 200)

    time.do(machine.receive(final))
    time.do(machine.receive(final))
    time.run_until(100)

    assert time.passed_up == [final]
    assert time.sent_at == [0]
    assert time.ended_at == 5  # timer K


def test_on_a_reliable_transport_the_final_response_is_the_end() -> None:
    machine, time = client(TCP)

    time.do(machine.receive(answer(machine.request, 200)))

    assert time.ended_at == 0


def test_a_network_that_refuses_is_told() -> None:
    machine, time = client()

    time.do(machine.transport_failed())

    assert time.failures == ["transport"]


def test_a_repeated_request_is_answered_with_what_was_answered_before() -> None:
    machine, time = server()
    final = answer(request("BYE"), 200)

    time.do(machine.receive(request("BYE")))  # nothing to say yet
    time.do(machine.respond(final))
    time.do(machine.receive(request("BYE")))
    time.run_until(100)

    assert [message for _, message in time.sent] == [final, final]
    assert time.ended_at == 32  # timer J


def test_only_one_final_response_is_sent() -> None:
    machine, time = server()

    time.do(machine.respond(answer(request("BYE"), 200)))
    time.do(machine.respond(answer(request("BYE"), 500)))

    assert len(time.sent) == 1
