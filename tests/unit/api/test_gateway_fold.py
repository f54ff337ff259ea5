"""A gateway folds to the same value whatever the order of its probes."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from api.gateways import Gateway, fold_gateway
from shared.events import GatewayDown, GatewayProbed, GatewayUp
from shared.testing import AT

FIELDS: dict[str, Any] = {"aor": "a@h", "contact": "sip:a@192.0.2.1", "source": "192.0.2.1:5060", "transport": "udp"}
HISTORY = (
    GatewayProbed(**FIELDS, at=AT, code=200, rtt_ms=5.0),
    GatewayUp(**FIELDS, at=AT + 1, rtt_ms=5.0),
    GatewayProbed(**FIELDS, at=AT + 30),
    GatewayProbed(**{**FIELDS, "source": "192.0.2.7:5060"}, at=AT + 60),
    GatewayDown(**{**FIELDS, "source": "192.0.2.7:5060"}, at=AT + 61, lost=2, last_answer_at=AT),
)


def folded(events) -> Gateway:
    gateway: Gateway | None = None
    for event in events:
        gateway = fold_gateway(gateway, event)
    assert gateway is not None
    return gateway


@given(st.permutations(HISTORY), st.lists(st.sampled_from(HISTORY), max_size=4))
def test_order_and_repetition_change_nothing(events, repeated):
    assert folded([*events, *repeated]) == folded(HISTORY)


def test_the_newest_probe_and_the_state_since_when_are_known():
    gateway = folded(HISTORY)

    assert (gateway.state, gateway.state_since) == ("down", AT + 61)
    assert (gateway.probed_at, gateway.code, gateway.rtt_ms) == (AT + 60, None, None)
    assert (gateway.answered_at, gateway.source) == (AT, "192.0.2.7:5060")


def test_a_single_probe_makes_no_state():
    assert fold_gateway(None, HISTORY[0]).state is None
