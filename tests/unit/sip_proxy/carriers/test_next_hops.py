"""Where a request for a carrier goes."""

import pytest

from sip_proxy.carriers.carriers import Carrier, parse_carriers
from sip_proxy.carriers.next_hops import MAX_TRIED, NextHops, Ways, tcp_first
from sip_proxy.carriers.outages import Outages
from sip_proxy.carriers.resolver import Unresolved
from sip_proxy.effects import Address, Transport
from sip_proxy.routing.forwarding import Target
from sip_proxy.sip.locate import Question, Record, Server, Srv
from tests.unit.sip_proxy.builders import AT, request

LOCALS: dict[Transport, Address] = {
    "udp": Address("192.0.2.1", 5060),
    "tcp": Address("192.0.2.1", 5060),
    "tls": Address("192.0.2.1", 5061),
}
UDP, TCP = Server("udp", Address("203.0.113.1", 5060), "c"), Server("tcp", Address("203.0.113.2", 5070), "c")
[CARRIER] = parse_carriers("carrier.example")


class Zone:
    """Answers out of a table; None: the name servers are silent."""

    def __init__(self, records: dict[tuple[str, str], tuple[Record, ...]] | None) -> None:
        self.records_of = records

    async def records(self, question: Question) -> tuple[Record, ...]:
        if self.records_of is None:
            raise Unresolved(question.name)
        return self.records_of.get(question, ())


ZONE = Zone(
    {
        ("_sip._udp.carrier.example", "SRV"): tuple(Srv(at, 0, 5060, f"s{at}.example") for at in range(9)),
        **{(f"s{at}.example", "A"): (f"203.0.113.{at}",) for at in range(9)},
    }
)


def next_hops(zone: Zone = ZONE, outages: Outages | None = None) -> NextHops:
    return NextHops(zone, Ways(LOCALS, "A"), outages or Outages(lambda: AT), lambda limit: 0)


def ways(target: Target | None) -> list[str]:
    return [] if target is None else [str(each.flow) for each in (target, *target.spares)]


async def test_the_servers_are_tried_in_order_and_not_too_many_of_them() -> None:
    target = await next_hops().target(CARRIER, request("OPTIONS", "sip:1@carrier.example"))

    assert ways(target) == [f"udp:203.0.113.{at}:5060" for at in range(MAX_TRIED)]
    assert target is not None
    assert target.uri == "sip:1@carrier.example"
    assert target.server == "carrier.example"
    assert target.flow.local == LOCALS["udp"]


async def test_a_server_that_is_out_of_order_is_tried_last() -> None:
    outages = Outages(lambda: AT)
    hops = next_hops(outages=outages)
    first = await hops.target(CARRIER, request("OPTIONS", "sip:1@carrier.example"))
    assert first is not None

    outages.down(first.flow)

    assert ways(await hops.target(CARRIER, request("OPTIONS", "sip:1@carrier.example")))[0] == "udp:203.0.113.1:5060"


async def test_a_next_hop_that_is_configured_is_used_whatever_the_uri_says() -> None:
    [carrier] = parse_carriers("carrier.example=sip:203.0.113.50:5080;transport=tcp")

    target = await next_hops().target(carrier, request("OPTIONS", "sip:1@carrier.example:5099;maddr=198.51.100.6"))

    assert ways(target) == ["tcp:203.0.113.50:5080"]


async def test_a_sips_request_goes_to_a_configured_next_hop_only_over_tls() -> None:
    [plain] = parse_carriers("carrier.example=sip:203.0.113.50")
    [secure] = parse_carriers("carrier.example=sips:203.0.113.50")

    assert ways(await next_hops().target(plain, request("OPTIONS", "sips:1@carrier.example"))) == []
    assert ways(await next_hops().target(secure, request("OPTIONS", "sips:1@carrier.example"))) == [
        "tls:203.0.113.50:5061"
    ]


@pytest.mark.parametrize("zone", [Zone({}), Zone(None)])
async def test_without_an_answer_of_the_dns_there_is_no_way(zone: Zone) -> None:
    assert await next_hops(zone).target(CARRIER, request("OPTIONS", "sip:1@carrier.example")) is None


async def test_a_carrier_is_known_by_all_addresses_of_its_servers() -> None:
    assert await next_hops().is_server(CARRIER, "203.0.113.8")
    assert not await next_hops().is_server(CARRIER, "198.51.100.6")
    assert not await next_hops().is_server(Carrier("other.example"), "203.0.113.8")


def test_what_is_large_goes_to_those_that_the_dns_names_for_tcp() -> None:
    assert tcp_first([UDP, TCP], LOCALS, pinned=False) == [TCP, UDP]


def test_where_it_names_none_the_same_address_may_have_tcp() -> None:
    same = Server("tcp", UDP.address, "c")

    assert tcp_first([UDP], LOCALS, pinned=False) == [same, UDP]


def test_a_transport_that_was_asked_for_is_kept() -> None:
    assert tcp_first([UDP], LOCALS, pinned=True) == [UDP]


def test_without_tcp_it_stays_on_udp() -> None:
    udp: list[Transport] = ["udp"]

    assert tcp_first([UDP], udp, pinned=False) == [UDP]
