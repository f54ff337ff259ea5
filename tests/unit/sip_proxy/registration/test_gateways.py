"""When a gateway counts as down or up, and when it is asked."""

import pytest

from sip_proxy.registration.gateways import Gateway, Patience, is_due
from tests.unit.sip_proxy.builders import AT

PATIENCE = Patience(down_after=3, up_after=2)


@pytest.mark.parametrize(
    ("probes", "states"),
    [
        ("+", ["up"]),
        ("---", ["unknown", "unknown", "down"]),
        ("--+", ["unknown", "unknown", "up"]),
        ("+--+--+", ["up"] * 7),  # a lossy line is not a dead one
        ("+---", ["up", "up", "up", "down"]),
        ("+---+-++", ["up", "up", "up", "down", "down", "down", "down", "up"]),  # one lucky answer is no recovery
        ("+---++---", ["up", "up", "up", "down", "down", "up", "up", "up", "down"]),
    ],
)
def test_it_takes_several_probes_in_a_row_to_change_our_mind(probes: str, states: list[str]) -> None:
    gateway, seen = Gateway(aor="alice@example.com", contact="sip:alice@10.0.0.7"), []

    for probe in probes:
        gateway = gateway.answered(AT, 5.0, PATIENCE) if probe == "+" else gateway.lost(AT, PATIENCE)
        seen.append(gateway.state)

    assert seen == states


def test_the_last_answer_is_remembered_and_the_time_of_a_lost_one_is_unknown() -> None:
    gateway = Gateway(aor="alice@example.com", contact="sip:alice@10.0.0.7")

    gateway = gateway.answered(AT, 5.0, PATIENCE).lost(AT + 30, PATIENCE)

    assert (gateway.answered_at, gateway.probed_at, gateway.rtt_ms) == (AT, AT + 30, None)


def test_everyone_is_asked_once_in_an_interval_and_not_all_at_once() -> None:
    names = [f"{number}@example.com" for number in range(300)]

    asked = [[name for name in names if is_due(name, AT + second, AT + second + 1, 30.0)] for second in range(30)]

    assert sorted(name for each in asked for name in each) == sorted(names)
    assert max(map(len, asked)) < 30


def test_a_long_pause_of_ours_asks_everyone_once() -> None:
    assert is_due("alice@example.com", AT, AT + 1000, 30.0)
    assert not is_due("alice@example.com", AT, AT - 1000, 30.0)  # the clock was put back
