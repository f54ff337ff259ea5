"""A worker that was started again goes on with the totals of before, and counts nothing twice."""

from rtp_analyzer.measure.formats import known_formats
from rtp_analyzer.measure.slices import StreamContext
from rtp_analyzer.reports import Reporter
from rtp_analyzer.taps.relay import StreamCut
from shared.events import Event, SlicesMeasured, StreamEnded, decode, encode
from shared.testing import AT, PCMA
from tests.unit.rtp_analyzer.rtp_builders import measure, steady, without

CONTEXT = StreamContext("call-1", "media-1", "caller", "192.0.2.1:4000", known_formats((PCMA,)))


def published(reporter: Reporter, packets, *, ended: bool = False) -> list[Event]:
    cut = StreamCut(0, measure(packets), CONTEXT, (), ended)
    return [decode(encode(event)) for event in reporter.tick([cut], AT)]


def restarted(before: list[Event], worker: str = "w") -> Reporter:
    reporter = Reporter(worker)
    reporter.go_on(before)
    return reporter


def total_of(events: list[Event]):
    (event,) = [event for event in events if isinstance(event, SlicesMeasured)]
    return event.slices[0].total


def test_totals_go_on_and_the_interval_is_of_now():
    before = published(Reporter("w"), without(steady(100), [20, 21]))

    events = published(restarted(before), without(steady(50), [30]))

    total = total_of(events)
    assert (total.packets_expected, total.packets_received, total.packets_lost) == (150, 147, 3)
    assert total.loss_percent == 2.0
    assert total.bytes_received == 147 * 160
    (event,) = events
    assert isinstance(event, SlicesMeasured)
    assert event.slices[0].interval.packets_expected == 50


def test_a_second_restart_counts_nothing_twice():
    before = published(Reporter("w"), steady(100))
    before += published(restarted(before), steady(50))

    assert total_of(published(restarted(before), steady(10))).packets_received == 160


def test_the_final_report_holds_all_of_it():
    before = published(Reporter("w"), without(steady(100), [20]))

    events = published(restarted(before), steady(50), ended=True)

    (ended,) = [event for event in events if isinstance(event, StreamEnded)]
    assert (ended.report.total.packets_expected, ended.report.total.packets_lost) == (150, 1)


def test_a_stream_that_begins_anew_after_its_end_begins_at_nothing():
    before = published(Reporter("w"), steady(100))
    reporter = restarted(before)
    published(reporter, steady(50), ended=True)

    assert total_of(published(reporter, steady(10))).packets_received == 10


def test_what_another_worker_measured_is_its_own():
    before = published(Reporter("other"), steady(100))

    assert total_of(published(restarted(before), steady(10))).packets_received == 10
