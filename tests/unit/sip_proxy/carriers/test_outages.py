"""Servers that failed a moment ago come last."""

from sip_proxy.carriers.outages import DOWN_S, MAX_DOWN_S, MAX_KEPT, Outages
from sip_proxy.effects import Address, Flow, Transport
from sip_proxy.sip.locate import Server

ONE, TWO = Address("192.0.2.1", 5060), Address("192.0.2.2", 5060)
SERVERS = [Server("udp", ONE, "example.com"), Server("udp", TWO, "example.com")]


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def flow(transport: Transport, remote: Address) -> Flow:
    return Flow(transport, Address("192.0.2.80", 5060), remote)


def order(outages: Outages) -> list[Address]:
    return [server.address for server in outages.last(SERVERS)]


def test_a_server_that_failed_comes_last_for_a_while() -> None:
    clock = Clock()
    outages = Outages(clock)

    outages.down(flow("udp", ONE))

    assert order(outages) == [TWO, ONE]
    clock.now += DOWN_S
    assert order(outages) == [ONE, TWO]


def test_a_server_that_answers_again_is_used_again() -> None:
    outages = Outages(Clock())

    outages.down(flow("udp", ONE))
    outages.up(flow("udp", ONE))

    assert order(outages) == [ONE, TWO]


def test_the_same_address_on_another_transport_is_another_server() -> None:
    outages = Outages(Clock())

    outages.down(flow("tcp", ONE))

    assert order(outages) == [ONE, TWO]


def test_a_server_gets_the_time_that_it_asks_for_within_reason() -> None:
    clock = Clock()
    outages = Outages(clock)

    outages.down(flow("udp", ONE), 86400.0)
    clock.now += MAX_DOWN_S

    assert order(outages) == [ONE, TWO]


def test_where_all_are_out_of_order_their_order_stays() -> None:
    outages = Outages(Clock())

    outages.down(flow("udp", ONE))
    outages.down(flow("udp", TWO))

    assert order(outages) == [ONE, TWO]


def test_the_memory_is_bounded() -> None:
    clock = Clock()
    outages = Outages(clock)
    for number in range(MAX_KEPT):
        outages.down(flow("tcp", Address("192.0.2.9", number)))

    outages.down(flow("udp", ONE))  # no room for it

    assert order(outages) == [ONE, TWO]
    clock.now += DOWN_S
    outages.down(flow("udp", ONE))
    assert order(outages) == [TWO, ONE]
