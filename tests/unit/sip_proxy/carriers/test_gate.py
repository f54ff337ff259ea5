"""What passes between a device and its carrier."""

import pytest

from shared.events import RequestNotAllowed
from shared.settings import parse_networks
from sip_proxy.accounts import Accounts
from sip_proxy.admission import Admitted, Door, Reply
from sip_proxy.auth import Authenticator
from sip_proxy.carriers.carriers import Carriers, parse_carriers
from sip_proxy.carriers.contact_tokens import ContactTokens
from sip_proxy.carriers.gate import Gate
from sip_proxy.effects import Address, Flow
from sip_proxy.sip.message import Request
from tests.unit.sip_proxy.builders import AT, FROM_ALICE, SITE, request

TOKENS = ContactTokens(lambda: b"s" * 32)
CARRIERS = Carriers(parse_carriers("carrier.example"), parse_networks("198.51.100.0/24"))
DOOR = Door(SITE, Authenticator(Accounts([]), "vqm", b"s" * 32), {"999": "echo"}, Gate(SITE, CARRIERS, TOKENS))
STRANGER = Flow("udp", SITE.address, Address("203.0.113.66", 5060))
TOKEN = TOKENS.sign("bob@carrier.example", "sip:bob@10.0.0.9")


def admit(message: Request, flow: Flow = FROM_ALICE) -> Reply | Admitted:
    return DOOR.admit(message, flow, AT)


def status(verdict: Reply | Admitted) -> int | None:
    return verdict.response.status if isinstance(verdict, Reply) else None


@pytest.mark.parametrize("method", ["INVITE", "OPTIONS", "MESSAGE", "SUBSCRIBE", "NOTIFY", "PUBLISH"])
def test_what_is_for_a_carrier_passes_without_our_challenge(method: str) -> None:
    assert isinstance(admit(request(method, "sip:0501234567@carrier.example")), Admitted)


def test_our_extensions_are_not_the_carriers() -> None:
    assert isinstance(admit(request("INVITE", "sip:999@carrier.example")), Admitted)
    assert status(admit(request("INVITE", "sip:999@example.com"))) == 401


@pytest.mark.parametrize("method", ["REGISTER", "INVITE", "OPTIONS", "MESSAGE"])
def test_a_stranger_does_not_reach_a_carrier_through_us(method: str) -> None:
    verdict = admit(request(method, "sip:0501234567@carrier.example"), STRANGER)

    assert isinstance(verdict, Reply)
    assert verdict.response.status == 403
    [event] = verdict.events
    assert isinstance(event, RequestNotAllowed)
    assert event.reason == "carrier not open to this address"


def test_no_other_domain_is_reached_through_us() -> None:
    assert status(admit(request("INVITE", "sip:0501234567@elsewhere.example"))) == 407
    assert status(admit(request("REGISTER", "sip:elsewhere.example"))) == 401


def test_nobody_registers_an_address_of_ours_by_way_of_a_carrier() -> None:
    # the To of `request` is of our domain
    assert status(admit(request("REGISTER", "sip:carrier.example"))) == 403


def test_a_request_for_a_contact_of_ours_passes_with_its_token() -> None:
    assert isinstance(admit(request("INVITE", f"sip:bob@192.0.2.1:5060;transport=udp;vqm={TOKEN}"), STRANGER), Admitted)


def test_the_token_may_also_be_in_our_route() -> None:
    route = ("Route", f"<sip:192.0.2.1:5060;transport=udp;lr;vqm={TOKEN}>")

    assert isinstance(admit(request("INVITE", "sip:bob@10.0.0.9", route), STRANGER), Admitted)


@pytest.mark.parametrize("token", ["", "guess", TOKEN[:-2] + "aa", TOKEN[8:]])
def test_a_guessed_token_is_refused_without_any_state(token: str) -> None:
    verdict = admit(request("INVITE", f"sip:bob@192.0.2.1:5060;vqm={token}"), STRANGER)

    assert isinstance(verdict, Reply)
    assert verdict.response.status == 403
    assert [type(event) for event in verdict.events] == [RequestNotAllowed]


def test_a_request_for_a_carrier_that_may_not_go_further_is_not_sent_there() -> None:
    assert status(admit(request("REGISTER", "sip:carrier.example", max_forwards=0))) == 483


def test_a_request_inside_a_dialog_is_no_business_of_the_gate() -> None:
    assert isinstance(admit(request("BYE", "sip:0501234567@carrier.example", to_tag="x"), STRANGER), Admitted)


def test_without_carriers_a_token_means_nothing() -> None:
    door = Door(SITE, Authenticator(Accounts([]), "vqm", b"s" * 32), {}, Gate(SITE, Carriers(), TOKENS))

    assert status(door.admit(request("INVITE", f"sip:bob@192.0.2.1:5060;vqm={TOKEN}"), STRANGER, AT)) == 407
