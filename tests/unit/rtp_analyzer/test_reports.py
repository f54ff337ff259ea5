"""From cuts to events: entries of a hundred slices, ended streams after them, the worst slice in the report."""

from rtp_analyzer.measure.formats import known_formats
from rtp_analyzer.measure.rtcp import RtcpDatagram
from rtp_analyzer.measure.slices import StreamContext
from rtp_analyzer.reports import Reporter
from rtp_analyzer.taps.relay import Closed, StreamCut
from shared.events import (
    CallJudged,
    MediaReleased,
    MediaStopped,
    Slice,
    SlicesMeasured,
    StreamEnded,
    StreamReport,
    decode,
    encode,
)
from shared.testing import AT, PCMA, media_assigned
from tests.unit.rtp_analyzer.rtcp_builders import block, receiver_report
from tests.unit.rtp_analyzer.rtp_builders import SSRC, START_NS, cut, measure, new_stream, see, steady, without

CONTEXT = StreamContext("call-1", "media-1", "caller", "192.0.2.1:4000", known_formats((PCMA,)))


def cut_of(packets=None, *, slot: int = 0, impaired_by: tuple = (), ended: bool = False) -> StreamCut:
    return StreamCut(slot, measure(steady(50) if packets is None else packets), CONTEXT, impaired_by, ended)


def lossy() -> list:
    return without(steady(50), range(10, 20))


def told(events) -> list:
    """What a reader of the stream gets."""
    return [decode(encode(event)) for event in events]


def mos_min_of(events) -> float | None:
    (ended,) = [event for event in events if isinstance(event, StreamEnded)]
    return ended.report.mos_min


def test_an_entry_holds_a_hundred_slices_at_most():
    events = told(Reporter("w").tick((cut_of(slot=slot) for slot in range(201)), AT))

    assert [len(event.slices) for event in events if isinstance(event, SlicesMeasured)] == [100, 100, 1]
    assert {event.at for event in events} == {AT}


def test_nothing_to_tell_makes_no_entry():
    assert told(Reporter("w").tick([], AT)) == []


def test_streams_end_after_their_last_slice():
    cuts = [cut_of(slot=0, ended=True), cut_of(slot=1)]

    assert [type(event) for event in told(Reporter("w").tick(cuts, AT))] == [SlicesMeasured, StreamEnded]


def test_the_report_holds_the_worst_slice():
    reporter = Reporter("w")
    told(reporter.tick([cut_of(lossy())], AT))

    worst = mos_min_of(reporter.tick([cut_of(ended=True)], AT + 1))

    assert worst is not None
    assert worst < 3


def test_a_slice_that_our_own_socket_spoiled_is_never_the_worst():
    reporter = Reporter("w")
    told(reporter.tick([cut_of(lossy(), impaired_by=("socket_drops",))], AT))

    worst = mos_min_of(reporter.tick([cut_of(ended=True)], AT + 1))

    assert worst is not None
    assert worst > 4


def test_the_next_stream_in_a_slot_starts_clean():
    reporter = Reporter("w")
    told(reporter.tick([cut_of(lossy(), ended=True)], AT))

    worst = mos_min_of(reporter.tick([cut_of(ended=True)], AT + 1))

    assert worst is not None
    assert worst > 4


def test_a_stream_too_short_to_judge_has_no_worst_slice():
    stream = new_stream()
    for packet in steady(5):
        see(stream, packet)
    short = StreamCut(0, cut(stream, 100), CONTEXT, impaired_by=(), ended=True)

    assert mos_min_of(Reporter("w").tick([short], AT)) is None


def test_a_medium_stops_after_its_streams():
    closed = Closed(media_assigned(), (cut_of(ended=True),), {"caller": 7})

    events = told(Reporter("w").stopped(closed, AT))

    assert [type(event) for event in events] == [SlicesMeasured, StreamEnded, CallJudged, MediaStopped]
    assert events[-1] == MediaStopped(at=AT, worker="w", call_id="call-1", media_id="media-1", packets_refused=7)


def test_a_release_of_what_is_not_open_is_answered():
    released = MediaReleased(at=AT - 5, call_id="call-9", media_id="media-9")

    assert Reporter("w").unknown(released, AT) == MediaStopped(at=AT, worker="w", call_id="call-9", media_id="media-9")


def said_by_the_callee(lost: int, *, media_id: str = "media-1") -> RtcpDatagram:
    octets = receiver_report(2, block(SSRC, lost=lost))
    return RtcpDatagram(media_id, "callee", "caller", START_NS, START_NS, encrypted=False, octets=octets)


def remotes(events) -> list[int | None]:
    """What the other end says to have lost, in each slice and report."""
    parts: list[Slice | StreamReport] = []
    for event in told(events):
        if isinstance(event, SlicesMeasured):
            parts.extend(event.slices)
        elif isinstance(event, StreamEnded):
            parts.append(event.report)
    return [part.remote.cumulative_lost if part.remote else None for part in parts]


def test_what_the_other_end_says_is_in_its_slices_and_in_the_report():
    reporter = Reporter("w")
    reporter.hear([said_by_the_callee(3)])
    first = remotes(reporter.tick([cut_of()], AT))
    reporter.hear([said_by_the_callee(5)])

    last = remotes(reporter.stopped(Closed(media_assigned(), (cut_of(ended=True),), {}), AT + 1))

    assert (first, last) == ([3], [5, 5])


def test_a_medium_that_is_over_is_forgotten():
    reporter = Reporter("w")
    reporter.hear([said_by_the_callee(3)])
    told(reporter.stopped(Closed(media_assigned(), (), {}), AT))

    assert remotes(reporter.tick([cut_of()], AT + 1)) == [None]


def test_another_medium_says_nothing_of_this_one():
    reporter = Reporter("w")

    reporter.hear([said_by_the_callee(3, media_id="media-2")])

    assert remotes(reporter.tick([cut_of()], AT)) == [None]


def test_a_configured_delay_scores_the_conversation():
    events = told(Reporter("w", one_way_delay_ms=150).tick([cut_of(ended=True)], AT))

    (slices, ended) = events
    assert isinstance(slices, SlicesMeasured)
    assert isinstance(ended, StreamEnded)
    for part in (slices.slices[0], ended.report):
        assert part.delay is not None
        assert (part.delay.source, part.delay.one_way_ms) == ("configured", 150)
        assert part.total.conversational is not None


def test_rtcp_that_cannot_be_read_is_counted():
    reporter = Reporter("w")

    reporter.hear([RtcpDatagram("media-1", "caller", "callee", START_NS, None, encrypted=False, octets=b"\x80")])

    assert reporter.counters()["rtcp_malformed"] == 1


def verdicts(events) -> list[tuple[bool, str, list[str]]]:
    """Whether it is the last, the rating, and who is blamed."""
    judged = [event for event in told(events) if isinstance(event, CallJudged)]
    return [
        (each.final, each.verdict.rating, [finding.culprit for finding in each.verdict.findings]) for each in judged
    ]


def test_a_running_medium_is_judged_and_again_only_when_the_verdict_changes():
    reporter, media = Reporter("w"), media_assigned()
    good, bad = cut_of(), cut_of(lossy())

    first = verdicts(reporter.judge(media, [good], AT))
    same = verdicts(reporter.judge(media, [good], AT + 5))
    worse = verdicts(reporter.judge(media, [bad], AT + 10))

    assert (first, same, worse) == ([(False, "good", [])], [], [(False, "poor", ["caller_access"])])


def test_the_last_verdict_counts_streams_that_ended_before():
    reporter = Reporter("w")
    told(reporter.tick([cut_of(lossy(), slot=0, ended=True)], AT))

    final = verdicts(reporter.stopped(Closed(media_assigned(), (), {}), AT + 1))

    assert final == [(True, "poor", ["caller_access"])]


def test_what_our_own_full_socket_lost_is_ours():
    reporter = Reporter("w")
    spoilt = cut_of(lossy(), impaired_by=("socket_drops",), ended=True)

    final = verdicts(reporter.stopped(Closed(media_assigned(), (spoilt,), {}), AT))

    assert final == [(True, "poor", ["monitor"])]


def test_what_the_other_end_misses_is_lost_behind_us():
    reporter = Reporter("w")
    reporter.hear([said_by_the_callee(20)])

    final = verdicts(reporter.stopped(Closed(media_assigned(), (cut_of(ended=True),), {}), AT))

    assert final == [(True, "poor", ["callee_access"])]


def test_a_medium_without_any_packet_is_not_judged():
    assert verdicts(Reporter("w").stopped(Closed(media_assigned(), (), {}), AT)) == []
