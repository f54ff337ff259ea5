"""What we write about ourselves, and by what we recognise it when it comes back."""

import pytest

from sip_proxy.effects import Address, Flow, Transport
from sip_proxy.routing.site import Site
from sip_proxy.sip.uri import parse_uri

SITE = Site(Address("192.0.2.1", 5060), "example.com", frozenset({"sip.example.com"}), Address("192.0.2.1", 5061))


def flow(transport: Transport) -> Flow:
    return Flow(transport, SITE.address_of(transport), Address("198.51.100.7", 40000))


@pytest.mark.parametrize(
    "uri",
    [
        "sip:192.0.2.1:5060;transport=udp;lr",
        "sip:192.0.2.1;lr",
        "sip:192.0.2.1:5061;transport=tls;lr",
        "sips:192.0.2.1:5061;lr",
        "sips:sip.example.com;lr",
        "sip:EXAMPLE.com:5060;transport=invalid;lr",
    ],
)
def test_every_address_and_name_of_ours_is_recognised(uri: str) -> None:
    assert SITE.is_us(parse_uri(uri))


@pytest.mark.parametrize("uri", ["sip:192.0.2.1:5062;lr", "sip:192.0.2.2;lr", "sip:other.example.com;lr"])
def test_others_are_not(uri: str) -> None:
    assert not SITE.is_us(parse_uri(uri))


def test_a_request_that_stays_on_one_socket_gets_one_record_route() -> None:
    assert SITE.record_routes(flow("tcp"), flow("tcp"), secure=False) == ("<sip:192.0.2.1:5060;transport=tcp;lr>",)


def test_a_request_that_crosses_sockets_gets_one_for_each_the_next_hops_on_top() -> None:
    assert SITE.record_routes(flow("tls"), flow("udp"), secure=False) == (
        "<sip:192.0.2.1:5060;transport=udp;lr>",
        "<sip:192.0.2.1:5061;transport=tls;lr>",
    )


def test_a_sips_target_wants_sips_of_us() -> None:
    assert SITE.record_routes(flow("tls"), flow("tls"), secure=True) == ("<sips:192.0.2.1:5061;lr>",)
    assert SITE.contact("999", "tls", secure=True) == "<sips:999@192.0.2.1:5061>"


def test_the_via_names_the_socket_that_answers_come_back_to() -> None:
    assert SITE.via("tls", "z9hG4bK1") == "SIP/2.0/TLS 192.0.2.1:5061;branch=z9hG4bK1"
