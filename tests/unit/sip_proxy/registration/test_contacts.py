"""Which contacts nobody may register."""

import pytest

from sip_proxy.effects import Address, Flow
from sip_proxy.registration.contacts import objection
from sip_proxy.sip.uri import parse_uri
from tests.unit.sip_proxy.builders import FROM_ALICE, SITE

FROM_HERE = Flow("udp", SITE.address, Address("127.0.0.1", 5062))


@pytest.mark.parametrize(
    "uri",
    [
        "sip:x@192.0.2.1",
        "sip:x@192.0.2.1:5060;transport=tcp",
        "sip:x@SIP.example.com",
        "sip:x@127.0.0.1",
        "sip:x@127.1.2.3:5070",
        "sip:x@[::1]",
        "sip:x@[::ffff:127.0.0.1]",
        "sip:x@0.0.0.0",
        "sip:x@224.0.1.75",
        "sip:x@[ff02::1]",
        "sip:x@255.255.255.255",
    ],
)
def test_what_leads_back_to_us_or_to_many_is_objected_to(uri: str) -> None:
    assert objection(parse_uri(uri), FROM_ALICE, SITE)


@pytest.mark.parametrize(
    "uri",
    ["sip:x@10.0.0.7", "sip:x@192.0.2.1:5070", "sip:x@198.51.100.7", "sip:x@[2001:db8::1]", "sip:x@a84d.invalid;ob"],
)
def test_a_private_address_or_a_name_is_nothing_unusual(uri: str) -> None:
    assert objection(parse_uri(uri), FROM_ALICE, SITE) is None


def test_a_phone_on_the_same_machine_may_be_on_loopback() -> None:
    assert objection(parse_uri("sip:x@127.0.0.1:5062"), FROM_HERE, SITE) is None
