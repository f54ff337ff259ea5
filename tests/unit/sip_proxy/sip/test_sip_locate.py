"""RFC 3263: from a URI to the servers that are tried for it."""

from collections.abc import Collection, Mapping

import pytest

from sip_proxy.effects import Transport
from sip_proxy.sip.locate import MAX_SERVERS, AddressType, Naptr, Question, Record, Srv, in_order, locate
from sip_proxy.sip.uri import parse_uri

Zone = Mapping[tuple[str, str], tuple[Record, ...]]

ALL: tuple[Transport, ...] = ("udp", "tcp", "tls")
ZONE: Zone = {
    ("example.com", "NAPTR"): (
        Naptr(20, 10, "s", "SIP+D2T", "_sip._tcp.example.com"),
        Naptr(10, 10, "S", "sip+d2u", "_sip._udp.example.com"),
        Naptr(5, 10, "s", "SIPS+D2T", "_sips._tcp.example.com"),
        Naptr(1, 10, "u", "E2U+sip", ""),
    ),
    ("_sip._udp.example.com", "SRV"): (Srv(20, 0, 5062, "b.example.com"), Srv(10, 0, 5060, "a.example.com")),
    ("_sip._tcp.example.com", "SRV"): (Srv(10, 0, 5070, "a.example.com"),),
    ("_sips._tcp.example.com", "SRV"): (Srv(10, 0, 5061, "a.example.com"),),
    ("a.example.com", "A"): ("192.0.2.1", "192.0.2.2"),
    ("b.example.com", "A"): ("192.0.2.3",),
    ("a.example.com", "AAAA"): ("2001:db8::1",),
    ("plain.example.com", "A"): ("192.0.2.9",),
}


def servers(
    uri: str, zone: Zone = ZONE, speaks: Collection[Transport] = ALL, addresses: AddressType = "A"
) -> tuple[list[str], list[Question]]:
    """What is found, as text, and what was asked for it."""
    search = locate(parse_uri(uri), speaks, addresses, lambda limit: limit - 1)
    asked: list[Question] = []
    try:
        question = next(search)
        while True:
            asked.append(question)
            question = search.send(zone.get(question, ()))
    except StopIteration as end:
        return [f"{server.transport}:{server.address}" for server in end.value], asked


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("sip:192.0.2.7", ["udp:192.0.2.7:5060"]),
        ("sip:192.0.2.7:5080;transport=tcp", ["tcp:192.0.2.7:5080"]),
        ("sip:[2001:db8::7]", ["udp:[2001:db8::7]:5060"]),
        ("sips:192.0.2.7", ["tls:192.0.2.7:5061"]),
    ],
)
def test_a_numeric_host_is_looked_up_nowhere(uri: str, expected: list[str]) -> None:
    assert servers(uri) == (expected, [])


def test_a_port_skips_srv() -> None:
    found, asked = servers("sip:a.example.com:5099")

    assert found == ["udp:192.0.2.1:5099", "udp:192.0.2.2:5099"]
    assert asked == [("a.example.com", "A")]


def test_naptr_says_which_transports_and_in_which_order() -> None:
    found, _ = servers("sip:EXAMPLE.com")

    assert found == [
        "tls:192.0.2.1:5061",
        "tls:192.0.2.2:5061",
        "udp:192.0.2.1:5060",
        "udp:192.0.2.2:5060",
        "udp:192.0.2.3:5062",
        "tcp:192.0.2.1:5070",
        "tcp:192.0.2.2:5070",
    ]


def test_a_transport_that_we_do_not_have_is_left_out() -> None:
    found, _ = servers("sip:example.com", speaks=ALL[1:2])

    assert found == ["tcp:192.0.2.1:5070", "tcp:192.0.2.2:5070"]


def test_a_transport_parameter_skips_naptr() -> None:
    found, asked = servers("sip:example.com;transport=TCP")

    assert found == ["tcp:192.0.2.1:5070", "tcp:192.0.2.2:5070"]
    assert asked[0] == ("_sip._tcp.example.com", "SRV")


def test_without_naptr_the_srv_records_of_each_transport_are_asked_for() -> None:
    zone = {key: records for key, records in ZONE.items() if key[1] != "NAPTR"}

    found, asked = servers("sip:example.com", zone)

    assert found[0] == "udp:192.0.2.1:5060"
    assert [question.name for question in asked if question.type == "SRV"] == [
        "_sip._udp.example.com",
        "_sip._tcp.example.com",
        "_sips._tcp.example.com",
    ]


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("sip:plain.example.com", ["udp:192.0.2.9:5060"]),
        ("sip:plain.example.com;transport=tls", ["tls:192.0.2.9:5061"]),
        ("sips:plain.example.com", ["tls:192.0.2.9:5061"]),
    ],
)
def test_without_any_srv_record_the_address_of_the_name_is_used(uri: str, expected: list[str]) -> None:
    assert servers(uri)[0] == expected


@pytest.mark.parametrize("uri", ["sips:example.com", "sips:example.com;transport=tcp"])
def test_a_sips_uri_leads_to_tls_only(uri: str) -> None:
    assert servers(uri)[0] == ["tls:192.0.2.1:5061", "tls:192.0.2.2:5061"]


@pytest.mark.parametrize("uri", ["sips:example.com", "sips:192.0.2.7", "sips:a.example.com:5061"])
def test_a_sips_uri_leads_nowhere_without_tls(uri: str) -> None:
    assert servers(uri, speaks=ALL[:2])[0] == []


def test_a_sips_uri_that_asks_for_udp_leads_nowhere() -> None:
    assert servers("sips:example.com;transport=udp")[0] == []


def test_addresses_are_of_the_family_that_we_have() -> None:
    found, _ = servers("sip:a.example.com", addresses="AAAA")

    assert found == ["udp:[2001:db8::1]:5060"]


def test_the_certificate_has_to_be_for_the_domain_that_was_asked_for() -> None:
    search = locate(parse_uri("sips:example.com"), ALL, "A", lambda limit: 0)
    try:
        question = next(search)
        while True:
            question = search.send(ZONE.get(question, ()))
    except StopIteration as end:
        assert {server.name for server in end.value} == {"example.com"}


def test_a_service_that_is_decidedly_not_there_is_not_looked_for_elsewhere() -> None:
    zone: Zone = {("_sip._udp.plain.example.com", "SRV"): (Srv(0, 0, 0, ""),), **ZONE}

    assert servers("sip:plain.example.com;transport=udp", zone)[0] == []


def test_an_maddr_sends_us_nowhere() -> None:
    assert servers("sip:plain.example.com;maddr=203.0.113.66")[0] == ["udp:192.0.2.9:5060"]


def test_a_huge_zone_costs_a_bounded_number_of_questions() -> None:
    huge = tuple(Srv(number, 0, 5060, f"s{number}.example.com") for number in range(1000))
    zone: Zone = {
        ("_sip._udp.example.com", "SRV"): huge,
        **{(record.target, "A"): ("192.0.2.1", "192.0.2.2") for record in huge},
    }

    found, asked = servers("sip:example.com", zone)

    assert len(found) <= MAX_SERVERS
    assert len(asked) < 30


def test_priorities_come_in_order_and_weights_are_chances() -> None:
    light, heavy, later = Srv(1, 10, 5060, "light"), Srv(1, 90, 5060, "heavy"), Srv(2, 65535, 5060, "later")
    draws = iter(range(101))

    first = [next(in_order([later, heavy, light], lambda limit: next(draws))).target for _ in range(101)]

    assert first.count("light") == 11  # 0 to 10
    assert first.count("heavy") == 90
    assert [record.target for record in in_order([later, heavy, light], lambda limit: 0)] == ["light", "heavy", "later"]


def test_a_record_without_weight_is_seldom_first() -> None:
    nothing, something = Srv(1, 0, 5060, "nothing"), Srv(1, 5, 5060, "something")

    assert next(in_order([something, nothing], lambda limit: 0)) == nothing
    assert next(in_order([something, nothing], lambda limit: 1)) == something
