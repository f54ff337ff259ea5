"""The STUN keepalive, with the example of RFC 5769 2.2 and 2.3 for the mapped address."""

import pytest

from sip_proxy.effects import Address
from sip_proxy.stun import answer

TRANSACTION = bytes.fromhex("b7e7a701bc34d686fa87dfae")
REQUEST = bytes.fromhex("00010000 2112a442") + TRANSACTION


def test_a_binding_request_is_answered_with_where_it_came_from() -> None:
    said = answer(REQUEST, Address("192.0.2.1", 32853))

    assert said == bytes.fromhex("0101000c 2112a442") + TRANSACTION + bytes.fromhex("00200008 0001a147 e112a643")


def test_an_ipv6_address_is_hidden_by_the_transaction_too() -> None:
    said = answer(REQUEST, Address("2001:db8:1234:5678:11:2233:4455:6677", 32853))

    assert said is not None
    assert said[20:] == bytes.fromhex("00200014 0002a147 0113a9fa a5d3f179 bc25f4b5 bed2b9d9")


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        REQUEST[:19],
        REQUEST + b"\x00",  # longer than it says
        b"\x01\x01" + REQUEST[2:],  # a response
        REQUEST[:4] + b"\x00\x00\x00\x00" + TRANSACTION,  # no cookie: RFC 3489
        b"OPTIONS sip:example.com SIP/2.0\r\n\r\n",
    ],
)
def test_anything_else_gets_no_answer(octets: bytes) -> None:
    assert answer(octets, Address("192.0.2.1", 5060)) is None
