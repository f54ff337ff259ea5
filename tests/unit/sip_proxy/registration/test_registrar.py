"""What a REGISTER asks for (RFC 3261 10.3), from the request alone. What becomes of it: test_sip_bindings.py."""

import json

import pytest

from sip_proxy.registration.bindings import Binding, Bindings
from sip_proxy.registration.registrar import Change, Limits, Refused, asked, contact_headers
from sip_proxy.sip.errors import SipParseError
from tests.unit.sip_proxy.builders import AT, FROM_ALICE, request

LIMITS = Limits()


def attempt(
    contact: str | None = "<sip:alice@10.0.0.7>", *headers: tuple[str, str], limits: Limits = LIMITS
) -> Change | Refused:
    message = request("REGISTER", "sip:example.com", *headers, contact=contact)
    return asked(message, FROM_ALICE, "proxy-1", AT, limits)


def contacts(contact: str, *headers: tuple[str, str]) -> tuple[Binding, ...]:
    outcome = attempt(contact, *headers)
    assert isinstance(outcome, Change)
    return outcome.contacts


def refused(outcome: Change | Refused) -> Refused:
    assert isinstance(outcome, Refused)
    return outcome


def test_a_contact_is_bound_to_where_it_really_is() -> None:
    [binding] = contacts("<sip:alice@10.0.0.7>")

    assert binding.contact == "sip:alice@10.0.0.7"
    assert binding.flow == FROM_ALICE
    assert binding.proxy == "proxy-1"
    assert binding.expires_at == AT + 3600


@pytest.mark.parametrize(
    ("contact", "header", "granted"),
    [
        ("<sip:a@h>;expires=300", "900", 300),  # the parameter counts more than the header
        ("<sip:a@h>", "900", 900),
        ("<sip:a@h>", None, 3600),
        ("<sip:a@h>;expires=nonsense", None, 3600),
        ("<sip:a@h>;expires=999999", None, 7200),  # cut silently
        ("<sip:a@h>;expires=0", "900", 0),
        ("<sip:a@h>", "0", 0),
    ],
)
def test_who_decides_how_long(contact: str, header: str | None, granted: int) -> None:
    headers = [] if header is None else [("Expires", header)]

    [binding] = contacts(contact, *headers)

    assert binding.expires_at == AT + granted


def test_too_short_a_time_is_refused_with_the_shortest_that_is_not() -> None:
    outcome = refused(attempt("<sip:a@h>;expires=10"))

    assert (outcome.status, outcome.headers) == (423, (("Min-Expires", "60"),))


def test_an_hour_is_never_too_short() -> None:
    outcome = attempt("<sip:a@h>;expires=3600", limits=Limits(min_expires_s=5000))

    assert isinstance(outcome, Change)


def test_what_is_required_and_unknown_is_named() -> None:
    outcome = refused(attempt("<sip:a@h>", ("Require", "gruu, path, x")))

    assert (outcome.status, outcome.headers) == (420, (("Unsupported", "gruu, x"),))


def test_registrations_can_be_spread_so_that_not_all_come_back_at_once() -> None:
    granted = set()
    for cseq in range(200):
        message = request("REGISTER", "sip:example.com", ("Expires", "100"), contact="<sip:a@h>", cseq=cseq)
        outcome = asked(message, FROM_ALICE, "proxy-1", AT, Limits(spread=0.5))
        assert isinstance(outcome, Change)
        granted.add(outcome.contacts[0].expires_at - AT)

    assert min(granted) == 60  # never less than the shortest that we grant
    assert max(granted) <= 100
    assert len(granted) > 20


def test_a_spread_registration_can_still_be_taken_back() -> None:
    outcome = attempt("<sip:a@h>;expires=0", limits=Limits(spread=0.5))

    assert isinstance(outcome, Change)
    assert outcome.contacts[0].expires_at == AT


def test_a_star_with_expires_0_asks_for_the_end_of_all() -> None:
    assert attempt("*", ("Expires", "0")) == Change("call-1", 1, all=True)


@pytest.mark.parametrize("headers", [(), (("Expires", "60"),)])
def test_a_star_without_expires_0_is_refused(headers: tuple[tuple[str, str], ...]) -> None:
    assert refused(attempt("*", *headers)).status == 400


def test_a_star_among_others_is_refused() -> None:
    with pytest.raises(SipParseError) as caught:
        attempt("*, <sip:a@h>", ("Expires", "0"))

    assert caught.value.status == 400


def test_no_contact_asks_for_nothing() -> None:
    assert attempt(None) == Change("call-1", 1)


def test_more_contacts_than_there_may_be_are_refused() -> None:
    assert refused(attempt("<sip:a@h1>, <sip:a@h2>", limits=Limits(max_contacts=1))).status == 403


@pytest.mark.parametrize(
    ("value", "q"), [("0.5", 0.5), ("0", 0.0), ("1.000", 1.0), ("7", 1.0), ("-1", 0.0), ("x", 1.0), ("nan", 0.0)]
)
def test_the_preference_of_a_contact_is_between_0_and_1(value: str, q: float) -> None:
    [binding] = contacts(f"<sip:a@h>;q={value}")

    assert binding.q == q


@pytest.mark.parametrize("parameter", ['x="\udce8"', "x=" + "y" * 2000])
def test_a_contact_that_cannot_be_kept_is_refused(parameter: str) -> None:
    message = request("REGISTER", "sip:example.com")
    message.headers.set("Contact", f"<sip:a@10.0.0.7>;{parameter}")

    assert refused(asked(message, FROM_ALICE, "proxy-1", AT, LIMITS)).status == 400


def test_a_contact_of_another_scheme_is_not_for_us() -> None:
    with pytest.raises(SipParseError) as caught:
        attempt("<tel:+39050>")

    assert caught.value.status == 416


def test_a_device_finds_its_own_contact_in_the_answer() -> None:
    bound = Bindings("alice@h", contacts('<sip:alice@10.0.0.7;ob>;q=0.5;+sip.instance="<urn:uuid:1>";expires=600'))

    assert contact_headers(bound, AT + 100) == [
        ("Contact", '<sip:alice@10.0.0.7;ob>;q=0.5;+sip.instance="<urn:uuid:1>";expires=500')
    ]


def test_the_preferred_contact_comes_first() -> None:
    bound = Bindings("alice@h", contacts("<sip:a@low>;q=0.1, <sip:a@high>;q=0.9, <sip:a@odd>;q=x"))

    assert [binding.contact for binding in bound.live(AT)] == ["sip:a@odd", "sip:a@high", "sip:a@low"]
    assert bound.live(AT + 3600) == ()


def test_of_equal_contacts_the_freshest_comes_first() -> None:
    bound = Bindings("alice@h", contacts("<sip:a@old>, <sip:a@new>"))

    assert [binding.contact for binding in bound.live(AT)] == ["sip:a@new", "sip:a@old"]


def test_a_binding_is_read_back_as_it_was_written() -> None:
    [binding] = contacts('<sip:alice@10.0.0.7;x=1>;q=0.5;+sip.instance="<urn:uuid:1>";reg-id=1')

    assert Binding.from_json(json.loads(json.dumps(binding.to_json()))) == binding


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"bindings": 1}', '{"bindings": [{}]}', '{"bindings": [1]}'])
def test_a_document_that_cannot_be_read_binds_nothing(text: str) -> None:
    assert Bindings.from_document("a@h", text) == Bindings("a@h")
