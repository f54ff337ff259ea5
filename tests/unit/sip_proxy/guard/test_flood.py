"""How much anybody may send before it is read."""

import pytest

from sip_proxy.effects import Address
from sip_proxy.guard.flood import (
    KNOWN_REMOTE_FACTOR,
    KNOWN_SOURCE_FACTOR,
    MAX_BUCKETS,
    Allowance,
    Excess,
    FloodGate,
)
from sip_proxy.guard.known import SOURCE_KEPT_S, KnownSources
from sip_proxy.guard.sources import Networks, source_of
from sip_proxy.settings import SipProxySettings
from tests.unit.sip_proxy.builders import AT

REMOTE = Address("203.0.113.9", 5060)
STRANGER = Allowance(rate=10, burst=20)
MANY = Allowance(rate=1e9, burst=1e9)


@pytest.fixture
def known() -> KnownSources:
    return KnownSources(remote_kept_s=7260)


def gate_with(known: KnownSources, strangers: Allowance = MANY, trusted: str = "") -> FloodGate:
    rules = SipProxySettings(trusted_networks=trusted).guard_rules()
    return FloodGate(STRANGER, strangers, known, Networks(rules.trusted))


def passes(gate: FloodGate, count: int, now: float = AT, remote: Address = REMOTE) -> int:
    """How many of so many messages are let in."""
    return sum(gate.excess_of(source_of(remote.host), remote, now) is None for _ in range(count))


def test_a_stranger_has_a_burst_and_then_a_rate(known: KnownSources) -> None:
    gate = gate_with(known)

    assert passes(gate, 100) == 20
    assert passes(gate, 100, AT + 1) == 10
    assert passes(gate, 100, AT + 1000) == 20


def test_the_ports_of_a_stranger_are_one_source(known: KnownSources) -> None:
    gate = gate_with(known)

    assert sum(passes(gate, 1, remote=Address(REMOTE.host, port)) for port in range(5000, 5100)) == 20


def test_who_has_signed_in_may_send_more_and_a_flood_from_his_address_does_not_touch_him(known: KnownSources) -> None:
    gate = gate_with(known)
    known.signed_in(REMOTE.host, REMOTE, AT)

    from_other_port = passes(gate, 10_000, remote=Address(REMOTE.host, 9))
    from_his = passes(gate, 10_000)

    assert from_other_port == 20 * KNOWN_SOURCE_FACTOR
    assert from_his == 20 * KNOWN_REMOTE_FACTOR


def test_a_friend_is_forgotten_in_the_end(known: KnownSources) -> None:
    known.signed_in(REMOTE.host, REMOTE, AT)

    assert (known.has_remote(REMOTE, AT + 7261), known.has_source(REMOTE.host, AT + 7261)) == (False, True)
    assert not known.has_source(REMOTE.host, AT + SOURCE_KEPT_S + 1)


def test_forged_sources_share_one_limit_that_friends_do_not_feel(known: KnownSources) -> None:
    gate = gate_with(known, strangers=Allowance(rate=50, burst=100))
    known.signed_in(REMOTE.host, REMOTE, AT)
    forged = [Address(f"10.0.{number >> 8}.{number & 255}", 5060) for number in range(1000)]

    let_in = sum(passes(gate, 1, remote=remote) for remote in forged)

    assert let_in == 100
    assert passes(gate, 50) == 50


def test_it_says_whose_limit_it_was(known: KnownSources) -> None:
    def beyond(gate: FloodGate) -> list[Excess]:
        excesses = [gate.excess_of(REMOTE.host, REMOTE, AT) for _ in range(21)]
        return [excess for excess in excesses if excess is not None]

    assert beyond(gate_with(known)) == ["source"]
    assert beyond(gate_with(known, strangers=Allowance(1, 1)))[0] == "strangers"


def test_trusted_networks_are_not_limited(known: KnownSources) -> None:
    gate = gate_with(known, trusted="203.0.113.0/24, 2001:db8::/32")

    assert passes(gate, 1000) == 1000
    assert passes(gate, 1000, remote=Address("2001:db8:1::9", 5060)) == 1000
    assert passes(gate, 1000, remote=Address("198.51.100.1", 5060)) == 20


def test_forged_sources_cost_no_memory(known: KnownSources) -> None:
    gate = gate_with(known)

    for number in range(MAX_BUCKETS + 500):
        gate.excess_of(str(number), REMOTE, AT)

    assert len(gate) == MAX_BUCKETS
    gate.forget_idle(AT + 0.05)
    assert len(gate) == MAX_BUCKETS
    gate.forget_idle(AT + 10)
    assert len(gate) == 0


def test_a_clock_that_is_set_back_takes_nothing_away(known: KnownSources) -> None:
    gate = gate_with(known)
    passes(gate, 1, AT + 3600)

    assert passes(gate, 19, AT) == 19


def test_thirty_lines_that_come_back_after_a_power_cut_all_pass(known: KnownSources) -> None:
    """Each registers in two requests, and repeats both once as we are slow to answer."""
    rules = SipProxySettings().guard_rules()
    gate = FloodGate(rules.stranger, rules.strangers, known, Networks([]))

    assert passes(gate, 30 * 2 * 2) == 120


@pytest.mark.parametrize(
    ("host", "source"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
    ],
)
def test_a_source_is_an_ipv4_address_or_an_ipv6_network(host: str, source: str) -> None:
    assert source_of(host) == source


def test_networks_that_are_none_stop_the_start() -> None:
    with pytest.raises(ValueError, match="trusted_networks"):
        SipProxySettings(trusted_networks="somewhere")
