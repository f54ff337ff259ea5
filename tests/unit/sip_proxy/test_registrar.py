"""RFC 3261 10.3 as a pure function."""

import pytest

from shared.events import (
    DeviceRegistered,
    DeviceUnregistered,
    RegistrationExpired,
    RegistrationMoved,
    RegistrationRefreshed,
)
from sip_proxy.effects import Address, Flow
from sip_proxy.registrar import Accepted, Bindings, Limits, Refused, contact_headers, expire, register
from tests.unit.sip_proxy.builders import AT, FROM_ALICE, request

AOR = "alice@example.com"
NOBODY = Bindings(aor=AOR)
LIMITS = Limits()


def attempt(
    bindings: Bindings = NOBODY,
    contact: str | None = "<sip:alice@10.0.0.7>",
    *headers: tuple[str, str],
    cseq: int = 1,
    call_id: str = "reg-1",
    flow: Flow = FROM_ALICE,
    now: float = AT,
    limits: Limits = LIMITS,
) -> Accepted | Refused:
    message = request("REGISTER", "sip:example.com", *headers, contact=contact, cseq=cseq, call_id=call_id)
    return register(bindings, message, flow, now, limits)


def accepted(outcome: Accepted | Refused) -> Accepted:
    assert isinstance(outcome, Accepted)
    return outcome


def refused(outcome: Accepted | Refused) -> Refused:
    assert isinstance(outcome, Refused)
    return outcome


def test_a_contact_is_bound_to_where_it_really_is() -> None:
    outcome = accepted(attempt())

    [binding] = outcome.bindings.bindings
    assert binding.contact == "sip:alice@10.0.0.7"
    assert binding.flow == FROM_ALICE
    assert binding.expires_at == AT + 3600
    assert [type(event) for event in outcome.events] == [DeviceRegistered]


@pytest.mark.parametrize(
    ("contact", "header", "granted"),
    [
        ("<sip:a@h>;expires=300", "900", 300),  # the parameter counts more than the header
        ("<sip:a@h>", "900", 900),
        ("<sip:a@h>", None, 3600),
        ("<sip:a@h>;expires=nonsense", None, 3600),
        ("<sip:a@h>;expires=999999", None, 7200),  # cut silently
    ],
)
def test_who_decides_how_long(contact: str, header: str | None, granted: int) -> None:
    headers = [] if header is None else [("Expires", header)]

    [binding] = accepted(attempt(NOBODY, contact, *headers)).bindings.bindings

    assert binding.expires_at == AT + granted


def test_too_short_a_time_is_refused_with_the_shortest_that_is_not() -> None:
    outcome = refused(attempt(NOBODY, "<sip:a@h>;expires=10"))

    assert (outcome.status, outcome.min_expires_s) == (423, 60)


def test_a_refresh_keeps_one_binding() -> None:
    first = accepted(attempt()).bindings

    outcome = accepted(attempt(first, cseq=2, now=AT + 100))

    [binding] = outcome.bindings.bindings
    assert binding.expires_at == AT + 100 + 3600
    assert binding.registered_at == AT
    assert [type(event) for event in outcome.events] == [RegistrationRefreshed]


def test_a_new_source_of_the_same_contact_is_a_move() -> None:
    elsewhere = Flow("udp", FROM_ALICE.local, Address("198.51.100.7", 40001))

    outcome = accepted(attempt(accepted(attempt()).bindings, cseq=2, flow=elsewhere))

    [moved] = outcome.events
    assert isinstance(moved, RegistrationMoved)
    assert (moved.previous_source, moved.source) == (str(FROM_ALICE.remote), str(elsewhere.remote))


def test_expires_0_takes_the_binding_back() -> None:
    outcome = accepted(attempt(accepted(attempt()).bindings, "<sip:alice@10.0.0.7>;expires=0", cseq=2))

    assert outcome.bindings.bindings == ()
    assert [type(event) for event in outcome.events] == [DeviceUnregistered]


def test_taking_back_what_was_never_bound_is_fine() -> None:
    assert accepted(attempt(NOBODY, "<sip:a@h>;expires=0")).events == ()


def test_a_star_takes_all_bindings_back() -> None:
    both = accepted(attempt(NOBODY, "<sip:a@h1>, <sip:a@h2>")).bindings

    outcome = accepted(attempt(both, "*", ("Expires", "0"), cseq=2))

    assert outcome.bindings.bindings == ()
    assert len(outcome.events) == 2


@pytest.mark.parametrize("headers", [(), (("Expires", "60"),)])
def test_a_star_without_expires_0_is_refused(headers: tuple[tuple[str, str], ...]) -> None:
    assert refused(attempt(NOBODY, "*", *headers)).status == 400


def test_no_contact_asks_what_is_bound() -> None:
    bound = accepted(attempt()).bindings

    outcome = accepted(attempt(bound, None, cseq=2))

    assert outcome.bindings == bound
    assert outcome.events == ()


@pytest.mark.parametrize("contact", ["<sip:alice@10.0.0.7>", "*"])
def test_what_arrives_out_of_order_fails(contact: str) -> None:
    bound = accepted(attempt(cseq=5)).bindings

    assert refused(attempt(bound, contact, ("Expires", "0"), cseq=5)).status == 500


def test_another_call_id_need_not_count_on() -> None:
    bound = accepted(attempt(cseq=5)).bindings

    accepted(attempt(bound, cseq=1, call_id="after-the-reboot"))


def test_a_register_is_all_or_nothing() -> None:
    bound = accepted(attempt(cseq=5)).bindings

    outcome = attempt(bound, "<sip:new@h>, <sip:alice@10.0.0.7>", cseq=4)

    assert isinstance(outcome, Refused)


def test_an_instance_may_change_its_address() -> None:
    named = '<sip:alice@{}>;+sip.instance="<urn:uuid:1>";reg-id=1'
    bound = accepted(attempt(NOBODY, named.format("10.0.0.7"))).bindings

    outcome = accepted(attempt(bound, named.format("10.0.0.8"), cseq=2))

    assert [binding.contact for binding in outcome.bindings.bindings] == ["sip:alice@10.0.0.8"]


def test_the_oldest_contacts_make_room() -> None:
    bound = accepted(attempt(NOBODY, "<sip:a@h1>, <sip:a@h2>")).bindings

    outcome = accepted(attempt(bound, "<sip:a@h3>", cseq=2, limits=Limits(max_contacts=2)))

    assert [binding.contact for binding in outcome.bindings.bindings] == ["sip:a@h2", "sip:a@h3"]
    assert {type(event) for event in outcome.events} == {DeviceRegistered, DeviceUnregistered}


def test_a_device_finds_its_own_contact_in_the_answer() -> None:
    contact = '<sip:alice@10.0.0.7;ob>;q=0.5;+sip.instance="<urn:uuid:1>";expires=600'
    bound = accepted(attempt(NOBODY, contact)).bindings

    assert contact_headers(bound, AT + 100) == [
        ("Contact", '<sip:alice@10.0.0.7;ob>;q=0.5;+sip.instance="<urn:uuid:1>";expires=500')
    ]


def test_expired_bindings_are_told_and_gone() -> None:
    bound = accepted(attempt()).bindings

    left, told = expire(bound, AT + 3600)

    assert left.bindings == ()
    assert [type(event) for event in told] == [RegistrationExpired]
    assert bound.live(AT + 3600) == ()


def test_the_preferred_contact_comes_first() -> None:
    bound = accepted(attempt(NOBODY, "<sip:a@low>;q=0.1, <sip:a@high>;q=0.9, <sip:a@odd>;q=x")).bindings

    assert [binding.contact for binding in bound.live(AT)] == ["sip:a@odd", "sip:a@high", "sip:a@low"]


def test_a_contact_that_is_no_text_is_refused() -> None:
    message = request("REGISTER", "sip:example.com")
    message.headers.set("Contact", '<sip:a@10.0.0.7>;x="\udce8"')

    assert refused(register(NOBODY, message, FROM_ALICE, AT, LIMITS)).status == 400
