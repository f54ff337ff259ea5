"""Contacts of a REGISTER on their way to a carrier and back."""

import pytest

from sip_proxy.carriers.contact_tokens import ContactTokens, token_of
from sip_proxy.carriers.contacts import add_path, as_granted, hide, keeps_tokens, own_contacts, reveal
from sip_proxy.effects import Address
from sip_proxy.sip.message import Request, Response
from sip_proxy.sip.uri import SipUri
from tests.unit.sip_proxy.builders import SITE, answer, request

TOKENS = ContactTokens(lambda: b"s" * 32)
AOR = "bob@carrier.example"
OURS = Address("192.0.2.1", 5060)
DESK, CELLAR = "sip:bob@10.0.0.9:5062", "sip:bob@10.0.0.10"


def register(*contacts: str, headers: tuple[tuple[str, str], ...] = ()) -> Request:
    fields = tuple(("Contact", contact) for contact in contacts)
    return request("REGISTER", "sip:carrier.example", *fields, *headers, contact=None)


def hidden(message: Request) -> list[str]:
    hide(message, AOR, TOKENS, "udp", OURS)
    add_path(message, "udp", OURS)
    return message.headers.get_all("Contact")


def ours(contact: str, params: str = "") -> str:
    return f"<sip:bob@192.0.2.1:5060;transport=udp;vqm={TOKENS.sign(AOR, contact)}>{params}"


def revealed(response: Response, *contacts: str) -> dict[str, int | None]:
    return reveal(response, own_contacts(TOKENS, AOR, set(contacts), SITE.is_us))


def ok(*contacts: str, headers: tuple[tuple[str, str], ...] = ()) -> Response:
    return answer(register(), 200, headers=[*(("Contact", contact) for contact in contacts), *headers])


def test_every_contact_is_replaced_by_one_of_ours_with_its_parameters() -> None:
    message = register(f"<{DESK}>;q=0.5;expires=60", f'"Cellar" <{CELLAR}>;+sip.instance="<urn:uuid:1>"')

    assert hidden(message) == [ours(DESK, ";q=0.5;expires=60"), f'"Cellar" {ours(CELLAR)};+sip.instance="<urn:uuid:1>"']


@pytest.mark.parametrize("contact", ["*", "<tel:+390501234567>"])
def test_what_is_no_place_of_ours_to_hide_passes(contact: str) -> None:
    assert hidden(register(contact)) == [contact]


def test_a_question_without_contacts_stays_one() -> None:
    assert hidden(register()) == []


def test_path_is_added_for_a_device_that_knows_it_before_those_of_others() -> None:
    message = register(f"<{DESK}>", headers=(("Supported", "gruu, Path"), ("Path", "<sip:edge.example;lr>")))

    hidden(message)

    path = f"<sip:192.0.2.1:5060;transport=udp;lr;vqm={TOKENS.sign(AOR, DESK)}>"
    assert message.headers.get_all("Path") == [path, "<sip:edge.example;lr>"]


def test_what_the_carrier_lists_of_ours_becomes_the_devices_own_again() -> None:
    strangers = ["<sip:bob@203.0.113.4>;q=0.2;expires=77", '"a, b" <sip:bob@203.0.113.5> ; expires=5', "nonsense"]
    response = ok(strangers[0], ours(DESK, ";expires=1800;q=0.5"), *strangers[1:])

    granted = revealed(response, DESK)

    assert granted == {DESK: 1800}
    expected = [strangers[0], f"<{DESK}>;expires=1800;q=0.5", *strangers[1:]]
    assert response.headers.get_all("Contact") == expected


def test_a_list_without_ours_is_left_as_it_is() -> None:
    response = ok("<sip:bob@203.0.113.4>")
    before = response.encode()

    assert revealed(response, DESK) == {}
    assert response.encode() == before


def test_a_carrier_that_drops_parameters_is_understood_where_there_is_one_contact() -> None:
    listed = "<sip:bob@192.0.2.1:5060>;expires=300"

    assert keeps_tokens(ok(ours(DESK)))
    assert not keeps_tokens(ok(listed, "nonsense"))
    assert revealed(ok(listed), DESK) == {DESK: 300}
    assert revealed(ok(listed), DESK, CELLAR) == {}


@pytest.mark.parametrize(
    ("contact", "expires", "response", "expected"),
    [
        (f"<{DESK}>;expires=600", None, ok(ours(DESK, ";expires=1800")), 1800),
        (f"<{DESK}>;expires=600", None, ok(ours(DESK)), 600),
        (f"<{DESK}>", "900", ok(), 900),
        (f"<{DESK}>", None, ok(), 3600),
        (f"<{DESK}>;expires=600", None, ok(ours(DESK), headers=(("Expires", "120"),)), 120),
        (f"<{DESK}>", "0", ok(), 0),
        (f"<{DESK}>;expires=0", "600", ok(headers=(("Expires", "600"),)), 0),
        (f"<{DESK}>;expires=0", None, ok(ours(DESK, ";expires=55")), 55),
    ],
)
def test_the_carrier_says_how_long_else_the_device_does(
    contact: str, expires: str | None, response: Response, expected: int
) -> None:
    message = register(contact, headers=(("Expires", expires),) if expires else ())

    noted = as_granted(message, response, revealed(response, DESK))

    assert noted.headers.get_all("Contact") == [f"<{DESK}>;expires={expected}"]


def test_what_a_device_wants_of_its_carrier_is_not_asked_of_us() -> None:
    message = register(f"<{DESK}>", headers=(("Require", "gruu"), ("Supported", "outbound")))

    noted = as_granted(message, ok(), {})

    assert "Require" not in noted.headers
    assert "Supported" not in noted.headers


def test_our_contact_is_told_by_its_token_in_any_case() -> None:
    own = own_contacts(TOKENS, AOR, {DESK}, SITE.is_us)
    uri = SipUri("sip", "bob", None, "192.0.2.1", 5060, (("VQM", TOKENS.sign(AOR, DESK).upper()),))

    assert token_of(uri) is not None
    assert own(uri) == DESK
