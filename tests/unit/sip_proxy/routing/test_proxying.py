"""What a request looks like after this hop (RFC 3261 16.3 to 16.6)."""

import pytest

from sip_proxy.effects import Address, Flow
from sip_proxy.routing import proxy
from sip_proxy.sip.message import Request
from tests.unit.sip_proxy.builders import FROM_ALICE, SITE, request

OURS = "<sip:192.0.2.1:5060;transport=udp;lr>"


def forwarded(message: Request, *record_routes: str) -> Request:
    return proxy.forwarded(
        message,
        uri="sip:bob@10.0.0.9",
        via="SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKours",
        record_routes=record_routes or (OURS,),
        realm="vqm",
    )


def test_the_source_is_written_into_the_via_for_those_who_ask() -> None:
    message = request()

    proxy.stamp_source(message, FROM_ALICE)

    assert (message.top_via().received, message.top_via().rport) == ("198.51.100.7", 40000)


def test_the_source_is_written_where_it_differs_from_what_the_sender_thinks() -> None:
    message = request()
    message.headers.set("Via", "SIP/2.0/UDP 10.0.0.7;branch=z9hG4bKa")

    proxy.stamp_source(message, FROM_ALICE)

    assert message.top_via().received == "198.51.100.7"
    assert not message.top_via().has_param("rport")


def test_a_via_that_is_right_stays_as_it_is() -> None:
    message = request()
    message.headers.set("Via", "SIP/2.0/UDP 198.51.100.7;branch=z9hG4bKa")

    proxy.stamp_source(message, Flow("udp", FROM_ALICE.local, Address("198.51.100.7", 5060)))

    assert message.headers.get("Via") == "SIP/2.0/UDP 198.51.100.7;branch=z9hG4bKa"


def test_a_hop_adds_its_via_and_record_route_and_counts_down() -> None:
    copy = forwarded(request("INVITE", "sip:bob@example.com", ("Record-Route", "<sip:first.example.org;lr>")))

    assert copy.uri == "sip:bob@10.0.0.9"
    assert [via.branch for via in copy.vias()] == ["z9hG4bKours", "z9hG4bKa"]
    assert copy.headers.get_all("Record-Route") == [OURS, "<sip:first.example.org;lr>"]
    assert copy.max_forwards == 69


def test_a_request_without_max_forwards_gets_70() -> None:
    assert forwarded(request(max_forwards=None)).max_forwards == 70


def test_the_original_stays_as_it_was() -> None:
    message = request()
    before = message.encode()

    forwarded(message)

    assert message.encode() == before


def test_credentials_for_us_go_no_further_and_those_for_others_do() -> None:
    mine = 'Digest username="a", realm="vqm", nonce="1", uri="sip:b", response="2"'
    carriers = 'Digest username="a", realm="carrier", nonce="1", uri="sip:b", response="2"'
    message = request("INVITE", "sip:bob@example.com", ("Proxy-Authorization", mine), ("Proxy-Authorization", carriers))

    assert forwarded(message).headers.get_all("Proxy-Authorization") == [carriers]


def test_unknown_fields_pass_byte_for_byte() -> None:
    copy = forwarded(request("INVITE", "sip:bob@example.com", ("x-ODD", 'a,b;  c="d')))

    assert b'x-ODD: a,b;  c="d\r\n' in copy.encode()


def test_a_request_that_comes_round_again_unchanged_is_a_loop() -> None:
    message = request()
    branch = proxy.new_branch(message, "token")
    message.headers.prepend("Via", f"SIP/2.0/UDP 192.0.2.1:5060;branch={branch}")

    assert proxy.is_loop(message, SITE)


def test_a_spiral_with_a_new_target_is_no_loop() -> None:
    message = request()
    branch = proxy.new_branch(message, "token")
    message.headers.prepend("Via", f"SIP/2.0/UDP 192.0.2.1:5060;branch={branch}")
    message.uri = "sip:carol@example.com"

    assert not proxy.is_loop(message, SITE)


def test_a_via_of_somebody_else_is_no_loop() -> None:
    message = request()
    branch = proxy.new_branch(message, "token")
    message.headers.prepend("Via", f"SIP/2.0/UDP 203.0.113.9:5060;branch={branch}")

    assert not proxy.is_loop(message, SITE)


@pytest.mark.parametrize(
    "ours",
    [OURS, "<sip:sip.example.com;lr>", "<sip:EXAMPLE.com:5060;lr;transport=invalid>", f"{OURS}, {OURS}"],
)
def test_our_own_routes_are_taken_off_however_they_name_us(ours: str) -> None:
    message = request("BYE", "sip:bob@10.0.0.9", ("Route", f"{ours}, <sip:next.example.org;lr>"))

    proxy.take_own_routes(message, SITE)

    assert message.headers.get_all("Route") == ["<sip:next.example.org;lr>"]


def test_what_a_strict_router_did_is_undone() -> None:
    message = request(
        "BYE", "sip:192.0.2.1:5060;transport=udp;lr", ("Route", "<sip:next.example.org;lr>, <sip:bob@10.0.0.9>")
    )

    proxy.take_own_routes(message, SITE)

    assert message.uri == "sip:bob@10.0.0.9"
    assert message.headers.get_all("Route") == ["<sip:next.example.org;lr>"]
