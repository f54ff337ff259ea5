"""What is configured about carriers."""

from typing import Any

import pytest
from pydantic import ValidationError

from shared.settings import parse_networks
from sip_proxy.carriers.carriers import PRIVATE_NETWORKS, Carriers, parse_carriers
from sip_proxy.carriers.resolver import parse_name_servers
from sip_proxy.effects import Address
from sip_proxy.settings import SipProxySettings
from sip_proxy.sip.uri import parse_uri


def test_a_carrier_is_a_domain_with_or_without_a_next_hop() -> None:
    one, two = parse_carriers("Carrier.example, other.example=sip:proxy01.other.example;transport=tcp")

    assert (one.domain, one.next_hop) == ("carrier.example", None)
    assert (two.domain, str(two.next_hop)) == ("other.example", "sip:proxy01.other.example;transport=tcp")


@pytest.mark.parametrize(
    "text", ["carrier example", "=sip:carrier.example", "carrier.example=proxy", "a@carrier.example", "carrier:5060"]
)
def test_what_is_no_carrier_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="carrier"):
        parse_carriers(text)


def test_a_uri_is_a_carriers_by_its_host_whatever_its_port() -> None:
    carriers = Carriers(parse_carriers("carrier.example"))

    assert carriers.of(parse_uri("sips:1@CARRIER.example:5070;transport=tls")) is not None
    assert carriers.of(parse_uri("sip:1@sub.carrier.example")) is None
    assert carriers.of_aor("1@carrier.example") is not None


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("127.0.0.1", True),
        ("10.1.2.3", True),
        ("192.168.7.7", True),
        ("100.64.0.1", True),
        ("::1", True),
        ("fd00::1", True),
        ("::ffff:10.1.2.3", True),
        ("203.0.113.5", False),
        ("2001:db8::1", False),
        ("172.32.0.1", False),
    ],
)
def test_by_default_only_devices_of_ones_own_network_may_use_a_carrier(host: str, allowed: bool) -> None:
    assert Carriers(clients=parse_networks(PRIVATE_NETWORKS)).may_call(host) is allowed


def test_name_servers_have_a_port_or_the_usual_one() -> None:
    expected = (Address("192.0.2.53", 53), Address("192.0.2.54", 5353), Address("2001:db8::53", 53))

    assert parse_name_servers("192.0.2.53, 192.0.2.54:5353,2001:db8::53") == expected
    assert parse_name_servers("[2001:db8::53]:5353") == (Address("2001:db8::53", 5353),)


@pytest.mark.parametrize(
    "changes",
    [
        {"carriers": "not a domain"},
        {"carrier_clients": "everybody"},
        {"carrier_networks": "10.0.0.1/8"},
        {"dns_servers": "dns.example"},
        {"carriers": "example.com", "sip_domain": "example.com"},
    ],
)
def test_a_wrong_setting_stops_the_start(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        SipProxySettings(**changes)
