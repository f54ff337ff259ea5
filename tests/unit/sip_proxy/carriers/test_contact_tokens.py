"""The contact that a carrier sees."""

import secrets

import pytest

from sip_proxy.carriers.contact_tokens import ContactTokens, contact_of_ours, token_of
from sip_proxy.effects import Address, Transport
from sip_proxy.sip.uri import parse_uri

TOKENS = ContactTokens(lambda: b"s" * 32)
AOR, CONTACT = "0501234567@carrier.example", "sip:0501234567@10.0.0.9:5060"


def test_a_token_says_which_contact_of_whom_it_means() -> None:
    named = TOKENS.read(TOKENS.sign(AOR, CONTACT))

    assert named is not None
    assert named.aor == AOR
    assert named.means(CONTACT)
    assert not named.means("sip:0501234567@10.0.0.9:5062")


def test_the_same_contact_has_the_same_token_on_every_replica() -> None:
    assert ContactTokens(lambda: b"s" * 32).sign(AOR, CONTACT) == TOKENS.sign(AOR, CONTACT)


def test_a_token_survives_capitals() -> None:
    assert TOKENS.read(TOKENS.sign(AOR, CONTACT).upper()) is not None


def test_a_token_made_with_another_secret_says_nothing() -> None:
    assert ContactTokens(lambda: b"t" * 32).read(TOKENS.sign(AOR, CONTACT)) is None


def test_a_token_that_was_changed_anywhere_says_nothing() -> None:
    token = TOKENS.sign(AOR, CONTACT)

    changed = [token[:at] + ("a" if token[at] != "a" else "b") + token[at + 1 :] for at in range(len(token) - 1)]

    assert all(TOKENS.read(other) is None for other in changed)


@pytest.mark.parametrize("token", ["", "a", "=" * 40, "0189" * 20, "\ud800" * 8, "é" * 32, secrets.token_hex(64)])
def test_what_is_no_token_says_nothing(token: str) -> None:
    assert TOKENS.read(token) is None


@pytest.mark.parametrize(
    ("contact", "transport", "expected"),
    [
        (CONTACT, "udp", "sip:0501234567@192.0.2.1:5060;transport=udp;vqm=t"),
        ("sip:10.0.0.9", "tcp", "sip:192.0.2.1:5060;transport=tcp;vqm=t"),
        ("sips:a@10.0.0.9", "tls", "sips:a@192.0.2.1:5060;vqm=t"),
        ("sips:a@10.0.0.9", "udp", "sip:a@192.0.2.1:5060;transport=udp;vqm=t"),
    ],
)
def test_the_carrier_sees_our_address_and_the_user_of_the_device(
    contact: str, transport: Transport, expected: str
) -> None:
    ours = contact_of_ours(parse_uri(contact), "t", transport, Address("192.0.2.1", 5060))

    assert str(ours) == expected
    assert token_of(parse_uri(str(ours))) == "t"
