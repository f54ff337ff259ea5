"""The delay of a conversation, the score with it, and what the other end says, as they are published."""

import pytest

from rtp_analyzer.measure import conversation
from rtp_analyzer.measure.conversation import aside_of, network_delay
from rtp_analyzer.measure.rtcp import MediumRtcp, Rtcp, RtcpDatagram
from rtp_analyzer.quality.choice import rating_of
from rtp_analyzer.quality.score import conversational, score
from shared.events import DelayParts, Quality, Slice, StreamReport
from shared.events.metrics import BufferOutcome
from shared.testing import AT, PCMA, measures, slice_of
from tests.unit.rtp_analyzer.annotated import annotated
from tests.unit.rtp_analyzer.rtcp_builders import (
    block,
    extended_report,
    goodbye,
    receiver_report,
    sender_report,
    voip_metrics,
)

ALICE, BOB = 0xA11CE, 0xB0B
AT_NS = round(AT * 1e9)
SECOND_NS = 10**9


PACKETISATION_MS, PLAY_OUT_MS = 20, 20


def lq() -> Quality:
    """The score of PCMA without loss."""
    return score(rating_of(PCMA), 0)


def cq(network_ms: float) -> tuple[float, float]:
    """R and MOS of the same over a network of this delay, one way."""
    return scores(conversational(lq(), PACKETISATION_MS + network_ms + PLAY_OUT_MS))


def piece(**changes: object) -> Slice:
    return slice_of(ssrc=ALICE, media_id="m1", interval=measures(quality=lq()), total=measures(quality=lq()), **changes)


def report(**changes: object) -> StreamReport:
    fields = piece().model_dump(exclude={"interval"}) | {"ended_at": AT + 10}
    return StreamReport.model_validate({**fields, **changes})


def annotate_slice(part: Slice, medium: MediumRtcp, configured_ms: float | None, now_ns: int) -> Slice:
    return annotated(part, aside_of(medium, part.direction, part.ssrc, part.clock_rate, configured_ms, now_ns))


def annotate_report(part: StreamReport, medium: MediumRtcp, configured_ms: float | None, now_ns: int) -> StreamReport:
    aside = aside_of(medium, part.direction, part.ssrc, part.clock_rate, configured_ms, now_ns)
    return conversation.annotate_report(part, aside)


def medium_of(*datagrams: tuple[str, float, bytes]) -> MediumRtcp:
    """After datagrams: from whom, seconds after AT, octets."""
    rtcp = Rtcp()
    for sender, seconds, octets in datagrams:
        rtcp.hear(
            RtcpDatagram(
                media_id="m1",
                sender="caller" if sender == "caller" else "callee",
                counterpart="callee" if sender == "caller" else "caller",
                arrival_ns=AT_NS + round(seconds * SECOND_NS),
                forwarded_ns=AT_NS + round(seconds * SECOND_NS),
                encrypted=False,
                octets=octets,
            )
        )
    return rtcp.of("m1")


def answered(ssrc: int, number: int, held_s: float) -> bytes:
    return block(ssrc, lost=3, last_report=number << 16, delay_since=round(held_s * 65_536))


def two_round_trips(first_ms: float = 200, second_ms: float = 300) -> MediumRtcp:
    """Two round trips between the phones: half of each on either side of us."""
    datagrams: list[tuple[str, float, bytes]] = []
    for number, round_trip_ms in enumerate((first_ms, second_ms), start=1):
        started_s, half_s = 5.0 * number, round_trip_ms / 2000
        datagrams += [
            ("caller", started_s, sender_report(ALICE, number << 32)),
            ("callee", started_s, sender_report(BOB, number << 32)),
            ("caller", started_s + 1 + half_s, receiver_report(ALICE, answered(BOB, number, 1.0))),
            ("callee", started_s + 1 + half_s, receiver_report(BOB, answered(ALICE, number, 1.0))),
        ]
    return medium_of(*datagrams)


def at_s(seconds: float) -> int:
    return AT_NS + round(seconds * SECOND_NS)


def scores(quality_: Quality | None) -> tuple[float, float]:
    assert quality_ is not None
    assert quality_.mos is not None
    assert quality_.r_factor is not None
    return quality_.r_factor, quality_.mos


def test_what_is_measured_comes_before_what_is_claimed_before_what_is_configured():
    known = (200.0, 300.0, 80.0)

    assert network_delay(*known) == network_delay(200, None, None)
    delays = [network_delay(*known), network_delay(None, *known[1:]), network_delay(None, None, 80)]

    assert [(found.source, found.one_way_ms, found.rtt_ms) for found in delays if found] == [
        ("rtcp", 100, 200),
        ("rtcp-xr", 150, 300),
        ("configured", 80, None),
    ]
    assert network_delay(None, None, None) is None


def test_a_configured_delay_of_zero_is_known():
    assert network_delay(None, None, 0) is not None


def test_a_stretch_too_short_to_judge_has_no_conversational_score():
    short = measures(quality=Quality(grounding="none", assumption="too short to judge"))

    found = annotate_slice(piece().model_copy(update={"interval": short}), MediumRtcp(), 80, AT_NS)

    assert found.interval.conversational is None
    assert found.total.conversational is not None


def test_without_rtcp_nothing_is_said_of_delay():
    plain = piece()

    assert annotate_slice(plain, MediumRtcp(), None, AT_NS) == plain


def test_a_slice_has_the_latest_delay_and_its_total_the_mean():
    found = annotate_slice(piece(), two_round_trips(200, 300), None, at_s(12))

    assert found.delay is not None
    assert found.delay.source == "rtcp"
    assert found.delay.rtt_ms == pytest.approx(300, abs=0.1)
    assert found.delay.one_way_ms == pytest.approx(150, abs=0.1)
    assert scores(found.interval.conversational) == pytest.approx(cq(150), abs=0.01)
    assert scores(found.total.conversational) == pytest.approx(cq(125), abs=0.01)


def test_a_report_has_the_mean_delay():
    found = annotate_report(report(), two_round_trips(200, 300), None, at_s(60))

    assert found.delay is not None
    assert found.delay.rtt_ms == pytest.approx(250, abs=0.1)
    assert found.total.conversational is not None


def test_listening_scores_do_not_change_with_the_delay():
    found = annotate_slice(piece(), two_round_trips(), 80, at_s(12))

    assert (found.interval.quality, found.total.quality) == (lq(), lq())


def test_a_configured_delay_stands_in_where_rtcp_tells_nothing():
    found = annotate_slice(piece(), MediumRtcp(), 150, AT_NS)

    assert found.delay is not None
    assert (found.delay.source, found.delay.rtt_ms, found.delay.one_way_ms) == ("configured", None, 150)
    assert scores(found.total.conversational) == pytest.approx(cq(150))


def test_the_way_to_the_ear_is_longer_than_the_network():
    found = annotate_slice(piece(codec="G729"), MediumRtcp(), 80, AT_NS)

    assert found.delay is not None
    assert found.delay.mouth_to_ear_ms == 20 + 5 + 80 + 20
    assert found.delay.parts == DelayParts(packetisation_ms=20, look_ahead_ms=5, network_ms=80, play_out_ms=20)


def test_a_packet_waits_in_the_buffer_that_is_scored():
    buffers = tuple(
        BufferOutcome(name=name, packets_discarded=0, hold_ms=hold_ms)
        for name, hold_ms in (("fixed50", 50.0), ("fixed200", 200.0), ("adaptive500", 7.0))
    )
    held = measures(quality=lq(), scored_buffer="fixed200", buffers=buffers)

    found = annotate_slice(piece().model_copy(update={"interval": held}), MediumRtcp(), 80, AT_NS)

    assert found.delay is not None
    assert found.delay.parts is not None
    assert found.delay.parts.buffer_ms == 200
    assert found.delay.mouth_to_ear_ms == 20 + 80 + 200 + 20
    assert scores(found.interval.conversational) == pytest.approx(cq(280))
    assert scores(found.total.conversational) == pytest.approx(cq(80))


@pytest.mark.parametrize("unknown", [{"codec": None}, {"codec": "SPEEX"}, {"ptime_ms": None}])
def test_a_codec_or_ptime_that_is_not_known_leaves_the_delay_of_the_network_alone(unknown):
    found = annotate_slice(piece(**unknown), MediumRtcp(), 80, AT_NS)

    assert found.delay is not None
    assert (found.delay.one_way_ms, found.delay.mouth_to_ear_ms, found.delay.parts) == (80, None, None)
    assert (found.interval.conversational, found.total.conversational) == (None, None)


def test_the_word_of_the_other_end_is_published_in_the_units_of_ours():
    said = receiver_report(BOB, block(ALICE, fraction=64, lost=-2, highest=70_000, jitter=80))

    remote = annotate_slice(piece(), medium_of(("callee", 5, said)), None, at_s(6)).remote

    assert remote is not None
    assert (remote.at, remote.reports) == (AT + 5, 1)
    assert (remote.fraction_lost_percent, remote.cumulative_lost, remote.highest_sequence) == (25, -2, 70_000)
    assert remote.jitter_ms == 10
    assert (remote.rtt_ms, remote.voip) == (None, None)


def test_jitter_of_an_unknown_clock_is_unknown():
    medium = medium_of(("callee", 5, receiver_report(BOB, block(ALICE, jitter=80))))

    remote = annotate_slice(piece(clock_rate=None), medium, None, at_s(6)).remote

    assert remote is not None
    assert remote.jitter_ms is None


def test_the_round_trip_to_the_other_end_alone_is_told():
    remote = annotate_slice(piece(), two_round_trips(200, 300), None, at_s(12)).remote

    assert remote is not None
    assert remote.rtt_ms == pytest.approx(150, abs=0.1)
    assert remote.rtt_mean_ms == pytest.approx(125, abs=0.1)
    assert (remote.rtts_measured, remote.rtts_rejected) == (2, 0)


def test_voip_metrics_are_published_with_what_they_do_not_know_as_null():
    known = voip_metrics(ALICE, loss=64, discard=128, r_factor=82, mos_lq=41, receiver=0b11100000, nominal=40)

    remote = annotate_report(report(), medium_of(("callee", 5, extended_report(BOB, known))), None, at_s(6)).remote

    assert remote is not None
    voip = remote.voip
    assert voip is not None
    assert (voip.at, voip.loss_percent, voip.discard_percent, voip.r_factor) == (AT + 5, 25, 50, 82)
    assert (voip.mos_lq, voip.mos_cq, voip.round_trip_ms, voip.signal_level_dbm) == (4.1, None, None, None)
    assert (voip.concealment, voip.buffer_adaptive, voip.buffer_nominal_ms) == ("standard", False, 40)
    assert (remote.reports, remote.cumulative_lost) == (0, None)


def test_a_declared_end_is_noted():
    medium = medium_of(("caller", 5, receiver_report(ALICE) + goodbye(ALICE)))

    assert annotate_report(report(), medium, None, at_s(6)).goodbye
    assert not annotate_report(report(direction="callee"), medium, None, at_s(6)).goodbye


def test_what_is_annotated_is_a_valid_event():
    medium = two_round_trips()

    for found in (annotate_slice(piece(), medium, 80, at_s(12)), annotate_report(report(), medium, 80, at_s(12))):
        assert type(found).model_validate_json(found.model_dump_json()) == found
