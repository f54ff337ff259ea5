"""What RTCP tells of a medium: who says what of which stream, and how far apart the two ends are."""

from rtp_analyzer.measure.rtcp import SOURCES_A_PARTY, Rtcp, RtcpDatagram
from shared.events import Party
from tests.unit.rtp_analyzer.rtcp_builders import (
    block,
    extended_report,
    goodbye,
    receiver_report,
    reference_delay,
    reference_time,
    sender_report,
    voip_metrics,
)

ALICE, BOB = 0xA11CE, 0xB0B  # the caller's stream, the callee's
NTP = 0xDEAD_BEEF_1234_0000
LAST_REPORT = 0xBEEF_1234
SECOND_NS = 10**9
START_NS = 1_700_000_000 * SECOND_NS
OTHER: dict[Party, Party] = {"caller": "callee", "callee": "caller"}


def at(seconds: float) -> int:
    return START_NS + round(seconds * SECOND_NS)


def units(seconds: float) -> int:
    return round(seconds * 65_536)


def from_(
    sender: Party,
    octets: bytes,
    seconds: float = 0.0,
    *,
    media_id: str = "m1",
    to: Party | None = None,
    forwarded: bool = True,
    waited_s: float = 0.0,
    encrypted: bool = False,
) -> RtcpDatagram:
    return RtcpDatagram(
        media_id=media_id,
        sender=sender,
        counterpart=to or OTHER[sender],
        arrival_ns=at(seconds),
        forwarded_ns=at(seconds + waited_s) if forwarded else None,
        encrypted=encrypted,
        octets=octets,
    )


def heard(*datagrams: RtcpDatagram) -> Rtcp:
    rtcp = Rtcp()
    for datagram in datagrams:
        rtcp.hear(datagram)
    return rtcp


def answers(ssrc: int, held_s: float, last_report: int = LAST_REPORT) -> bytes:
    return block(ssrc, last_report=last_report, delay_since=units(held_s))


def both_ways(media_id: str = "m1") -> list[RtcpDatagram]:
    """The callee is 80 ms away from us, the caller 30 ms."""
    return [
        from_("caller", sender_report(ALICE, NTP), 0.0, media_id=media_id),
        from_("callee", sender_report(BOB, NTP + (1 << 32), answers(ALICE, 2.0)), 2.08, media_id=media_id),
        from_("caller", receiver_report(ALICE, answers(BOB, 1.0, LAST_REPORT + (1 << 16))), 3.11, media_id=media_id),
    ]


def test_what_the_callee_reports_is_said_of_the_callers_stream():
    report = receiver_report(BOB, block(ALICE, fraction=64, lost=7, highest=0x103E8, jitter=80))

    medium = heard(from_("callee", report, 5.0)).of("m1")

    said = medium.heard("caller", ALICE)
    assert said is not None
    assert (said.listener, said.block_ns, said.blocks) == ("callee", at(5.0), 1)
    assert said.block is not None
    assert (said.block.fraction_lost_percent, said.block.cumulative_lost, said.block.jitter) == (25, 7, 80)
    assert medium.heard("callee", ALICE) is None
    assert medium.heard("callee", BOB) is None


def test_the_same_ssrc_in_both_directions_is_two_streams():
    medium = heard(
        from_("callee", receiver_report(ALICE, block(ALICE, lost=3))),
        from_("caller", receiver_report(ALICE, block(ALICE, lost=5))),
    ).of("m1")

    lost = {}
    for party in ("caller", "callee"):
        said = medium.heard(party, ALICE)
        assert said is not None
        assert said.block is not None
        lost[party] = said.block.cumulative_lost
    assert lost == {"caller": 3, "callee": 5}


def test_the_latest_report_stands():
    medium = heard(
        from_("callee", receiver_report(BOB, block(ALICE, lost=1)), 5),
        from_("callee", sender_report(BOB, NTP, block(ALICE, lost=2)), 10),
    ).of("m1")

    said = medium.heard("caller", ALICE)
    assert said is not None
    assert said.block is not None
    assert (said.block.cumulative_lost, said.blocks, said.block_ns) == (2, 2, at(10))


def test_voip_metrics_stand_beside_the_reports():
    medium = heard(
        from_("callee", receiver_report(BOB, block(ALICE, lost=1)) + extended_report(BOB, voip_metrics(ALICE, loss=64)))
    ).of("m1")

    said = medium.heard("caller", ALICE)
    assert said is not None
    assert said.block is not None
    assert said.voip is not None
    assert (said.block.cumulative_lost, said.voip.loss_percent) == (1, 25)


def test_both_halves_add_up_to_the_round_trip():
    medium = heard(*both_ways()).of("m1")

    assert round(medium.round_trips("callee").mean_ms or 0) == 80
    assert round(medium.round_trips("caller").mean_ms or 0) == 30
    assert round(medium.round_trip_ms(at(4)) or 0) == 110
    assert round(medium.mean_round_trip_ms or 0) == 110


def test_half_a_way_is_no_way():
    medium = heard(*both_ways()[:2]).of("m1")

    assert medium.round_trips("callee").measured == 1
    assert (medium.round_trip_ms(at(4)), medium.mean_round_trip_ms) == (None, None)


def test_an_old_half_makes_the_whole_unknown_but_not_the_mean():
    medium = heard(*both_ways()).of("m1")

    assert medium.round_trip_ms(at(32.09)) is None
    assert medium.mean_round_trip_ms is not None


def test_the_time_that_a_report_waited_with_us_is_in_no_round_trip():
    medium = heard(
        from_("caller", sender_report(ALICE, NTP), 0.0, waited_s=0.5),
        from_("callee", receiver_report(BOB, answers(ALICE, 1.0)), 1.58),
    ).of("m1")

    assert round(medium.round_trips("callee").mean_ms or 0) == 80


def test_what_did_not_go_on_cannot_be_answered():
    medium = heard(
        from_("caller", sender_report(ALICE, NTP), 0.0, forwarded=False),
        from_("callee", receiver_report(BOB, answers(ALICE, 1.0)), 1.08),
    ).of("m1")

    assert (medium.round_trips("callee").measured, medium.rejected) == (0, 1)


def test_who_answers_with_his_own_time_is_not_believed():
    # Seen: LSR is the time of the phone's own SR, DLSR is always 1.
    medium = heard(
        from_("caller", sender_report(ALICE, NTP), 0.0),
        from_(
            "callee", sender_report(BOB, 0x1_0000_86D4_E6E9_0000 & (2**64 - 1), block(ALICE, last_report=0x86D4E6E9)), 2
        ),
        from_("callee", receiver_report(BOB, block(ALICE, last_report=0x86D4E6E9, delay_since=1)), 2.5),
    ).of("m1")

    assert (medium.round_trips("callee").measured, medium.rejected) == (0, 2)
    assert medium.heard("caller", ALICE) is not None


def test_a_receiver_that_never_sends_is_measured_by_its_reference_times():
    medium = heard(
        from_("caller", extended_report(7, reference_time(NTP)), 0.0),
        from_("callee", extended_report(BOB, reference_delay(7, LAST_REPORT, units(1.0))), 1.04),
    ).of("m1")

    assert round(medium.round_trips("callee").mean_ms or 0) == 40


def test_an_echo_is_as_far_away_as_its_only_end():
    medium = heard(
        from_("caller", sender_report(ALICE, NTP), 0.0, to="caller"),
        from_("caller", receiver_report(ALICE, block(ALICE, lost=4), answers(ALICE, 1.0)), 1.06, to="caller"),
    ).of("m1")

    assert round(medium.round_trip_ms(at(2)) or 0) == 60
    assert medium.heard("caller", ALICE) is not None


def test_a_claimed_round_trip_is_the_latest_one():
    medium = heard(
        from_("callee", extended_report(BOB, voip_metrics(ALICE, round_trip=180)), 1),
        from_("caller", extended_report(ALICE, voip_metrics(BOB, round_trip=200)), 2),
        from_("callee", extended_report(BOB, voip_metrics(9)), 3),
    ).of("m1")

    assert medium.claimed_round_trip_ms(at(4)) == 200
    assert medium.claimed_round_trip_ms(at(32.1)) is None


def test_an_absurd_claim_is_none():
    medium = heard(from_("callee", extended_report(BOB, voip_metrics(ALICE, round_trip=65_535)))).of("m1")

    assert medium.claimed_round_trip_ms(at(0)) is None


def test_a_goodbye_ends_the_streams_of_who_says_it():
    medium = heard(from_("caller", receiver_report(ALICE) + goodbye(ALICE, BOB))).of("m1")

    assert medium.has_ended("caller", ALICE)
    assert not medium.has_ended("callee", BOB)


def test_media_are_told_apart():
    rtcp = heard(*both_ways("m1"), *both_ways("m2")[:2])

    assert rtcp.of("m1").mean_round_trip_ms is not None
    assert rtcp.of("m2").mean_round_trip_ms is None
    assert rtcp.of("m3").heard("caller", ALICE) is None


def test_what_is_encrypted_says_nothing_and_is_counted():
    rtcp = heard(from_("callee", receiver_report(BOB, block(ALICE, lost=7)), encrypted=True))

    assert rtcp.of("m1").heard("caller", ALICE) is None
    assert rtcp.counters() == {"rtcp_malformed": 0, "rtcp_encrypted": 1, "round_trips_rejected": 0}


def test_garbage_says_nothing_and_is_counted():
    good = receiver_report(BOB, block(ALICE, lost=7))

    rtcp = heard(from_("callee", good + b"\x80"), from_("callee", b"\x81" + good[1:-4]))

    assert rtcp.of("m1").heard("caller", ALICE) is None
    assert rtcp.counters()["rtcp_malformed"] == 2


def test_rejected_answers_are_counted_beyond_the_end_of_their_medium():
    rtcp = heard(from_("callee", receiver_report(BOB, answers(ALICE, 1.0))))
    before = rtcp.counters()["round_trips_rejected"]

    rtcp.forget("m1")
    rtcp.forget("m1")

    assert (before, rtcp.counters()["round_trips_rejected"]) == (1, 1)
    assert rtcp.of("m1").heard("caller", ALICE) is None


def test_a_party_that_names_any_number_of_sources_is_remembered_to_its_last_ones():
    many = [from_("callee", receiver_report(BOB, *(block(ssrc + i) for i in range(31)))) for ssrc in range(0, 3100, 31)]

    medium = heard(*many, from_("callee", goodbye(*range(31)))).of("m1")

    assert sum(medium.heard("caller", ssrc) is not None for ssrc in range(3100)) == SOURCES_A_PARTY
    assert sum(medium.has_ended("callee", ssrc) for ssrc in range(31)) == SOURCES_A_PARTY
