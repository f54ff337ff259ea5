"""Nuisances are summed up by source."""

from shared.events import FloodDetected
from sip_proxy.effects import Address, Flow
from sip_proxy.guard.bursts import MAX_SOURCES, Bursts
from tests.unit.sip_proxy.builders import AT, SITE

WINDOW_S = 1.0


def source(host: str = "203.0.113.9", port: int = 5060) -> Flow:
    return Flow("udp", SITE.address, Address(host, port))


def bursts() -> Bursts[FloodDetected]:
    return Bursts(
        lambda flow, reason, now, count: FloodDetected(
            at=now, source=str(flow.remote), transport=flow.transport, reason=reason, count=count
        ),
        WINDOW_S,
    )


def test_the_first_is_told_at_once_and_the_burst_once_a_window() -> None:
    bad = bursts()

    [first] = bad.note(source(), "noise", AT)
    silent = [bad.note(source(port=port), "noise", AT + 0.1) for port in range(2000, 2100)]
    early, [summed] = bad.due(AT + 0.5), bad.due(AT + WINDOW_S)

    assert (first.count, first.source, first.reason) == (1, "203.0.113.9:5060", "noise")
    assert not any(silent)
    assert early == []
    assert summed.count == 100
    assert bad.total == 101


def test_a_source_that_keeps_quiet_is_forgotten() -> None:
    bad = bursts()
    bad.note(source(), "noise", AT)

    assert bad.due(AT + WINDOW_S) == []
    assert len(bad.note(source(), "noise", AT + 2)) == 1


def test_forged_sources_cost_no_memory_and_nothing_is_lost() -> None:
    bad = bursts()
    told = []

    for number in range(3 * MAX_SOURCES):
        told += bad.note(source(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}"), "noise", AT)
        told += bad.note(source("203.0.113.9"), "noise", AT)
    told += bad.due(AT + WINDOW_S)

    assert sum(event.count for event in told) == bad.total == 6 * MAX_SOURCES


def test_many_sources_may_be_told_of_as_one() -> None:
    bad = bursts()

    told = [bad.note(source(f"10.0.0.{number}"), "noise", AT, "strangers") for number in range(50)]
    [summed] = bad.due(AT + WINDOW_S)

    assert [len(events) for events in told] == [1] + 49 * [0]
    assert summed.count == 49
