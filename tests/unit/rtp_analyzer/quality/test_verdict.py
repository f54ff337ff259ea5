"""Who is to blame: each half of each direction by its own evidence, and nothing without any."""

from dataclasses import replace

import pytest

from rtp_analyzer.quality.verdict import Arrived, Direction, Onward, judge
from shared.events import Party
from shared.events.metrics import Quality, Waterfall

TALKING_S = 60.0


def rated(r: float, *, loss: float = 0.0, discard: float = 0.0, codec: float = 0.0, scale="nb") -> Quality:
    waterfall = Waterfall(
        ro=94.8, simultaneous=1.4, delay=0.1, codec=codec, loss=loss, discard=discard, r=r, ie=codec, bpl=25.1
    )
    return Quality(grounding="standard", scale=scale, r_factor=r, waterfall=waterfall)


CLEAN = Arrived(packets_expected=3000, packets_lost=0, cumulative_lost=0, quality=rated(93.2))
LOSSY = Arrived(packets_expected=3000, packets_lost=150, cumulative_lost=150, quality=rated(77.4, loss=15.8))
RECEIVED_ALL = Onward(packets_lost=0, quality=rated(93.2))


def direction(sender, **changes) -> Direction:
    receiver: Party = "callee" if sender == "caller" else "caller"
    whole = Direction(sender=sender, receiver=receiver, may_send=True, arrived=CLEAN, onward=RECEIVED_ALL)
    return replace(whole, **changes)


def verdict(*, talking_s: float = TALKING_S, caller=None, callee=None):
    directions = (direction("caller", **(caller or {})), direction("callee", **(callee or {})))
    return judge(directions, talking_s)


def blamed(judged):
    return [(finding.direction, finding.problem, finding.culprit) for finding in judged.findings]


def test_a_clean_call_blames_nobody():
    judged = verdict()

    assert (judged.rating, judged.findings, judged.unseen, judged.words) == ("good", (), (), "The call is good.")


def test_loss_before_us_is_on_the_senders_access():
    judged = verdict(caller={"arrived": LOSSY, "onward": Onward(packets_lost=150, quality=rated(77.4))})

    assert judged.rating == "fair"
    assert blamed(judged) == [("caller", "loss", "caller_access")]
    assert judged.findings[0].r_lost == pytest.approx(15.8)
    assert judged.findings[0].evidence[0].value == pytest.approx(5.0)
    assert "5.0 % of what the caller says is lost between the caller and this monitor" in judged.words


def test_what_the_receiver_misses_beyond_our_loss_is_on_its_own_access():
    judged = verdict(caller={"onward": Onward(packets_lost=300, quality=rated(66.0))})

    assert judged.rating == "poor"
    assert blamed(judged) == [("caller", "loss", "callee_access")]
    assert judged.findings[0].r_lost == pytest.approx(27.2)


def test_loss_on_both_halves_is_divided():
    judged = verdict(callee={"arrived": LOSSY, "onward": Onward(packets_lost=450, quality=rated(58.0))})

    assert blamed(judged) == [("callee", "loss", "caller_access"), ("callee", "loss", "callee_access")]


def test_what_our_own_socket_dropped_is_never_the_networks():
    judged = verdict(caller={"arrived": replace(LOSSY, dropped_by_us=150), "onward": Onward(packets_lost=150)})

    assert blamed(judged) == [("caller", "loss", "monitor")]


def test_without_rtcp_the_second_half_is_said_to_be_unseen():
    judged = verdict(caller={"onward": None})

    assert judged.unseen == ("callee",)
    assert "What reached the callee after this monitor is not known" in judged.words


def test_a_few_lost_packets_are_chance():
    few = Arrived(packets_expected=100, packets_lost=4, cumulative_lost=4, quality=rated(81.0))

    judged = verdict(caller={"arrived": few, "onward": Onward(packets_lost=4)})

    assert judged.findings == ()


def test_late_packets_are_the_paths_unless_the_sender_restamps_them():
    late = replace(CLEAN, discards=90, discard_percent=3.0, quality=rated(82.0, discard=11.0))

    path = verdict(caller={"arrived": late})
    sender = verdict(caller={"arrived": replace(late, timestamp_steps=7)})

    assert blamed(path) == [("caller", "late", "caller_access")]
    assert blamed(sender) == [("caller", "late", "caller_device")]


def test_a_party_that_is_not_heard_makes_the_call_poor_however_well_the_other_sounds():
    judged = verdict(callee={"arrived": None, "onward": None})

    assert judged.rating == "poor"
    assert blamed(judged) == [("callee", "missing", "unknown")]


def test_packets_from_another_address_point_at_a_nat():
    judged = verdict(callee={"arrived": None, "onward": None, "refused": 40})

    assert blamed(judged) == [("callee", "missing", "callee_access")]


@pytest.mark.parametrize("silence", [{"may_send": False}, {}])
def test_silence_on_hold_or_right_after_the_answer_is_no_fault(silence):
    talking_s = TALKING_S if silence else 1.0

    judged = verdict(talking_s=talking_s, callee={"arrived": None, "onward": None, **silence})

    assert judged.findings == ()


def test_delay_is_on_the_side_that_has_most_of_it():
    near = verdict(caller={"one_way_ms": 300.0, "rtt_ms": 520.0})
    spread = verdict(caller={"one_way_ms": 300.0, "rtt_ms": 200.0})

    assert blamed(near) == [("caller", "delay", "caller_access")]
    assert blamed(spread) == [("caller", "delay", "unknown")]


def test_faults_of_the_device_are_named():
    device = replace(CLEAN, drift_ppm=-800.0, dead_air_s=12.0, clipping_percent=3.0)

    judged = verdict(callee={"arrived": device})

    assert judged.rating == "poor"
    assert blamed(judged) == [
        ("callee", "silent", "callee_device"),
        ("callee", "clock", "callee_device"),
        ("callee", "clipped", "callee_device"),
    ]


def test_a_dear_codec_is_named_only_when_the_call_is_not_good():
    good = verdict(caller={"arrived": replace(CLEAN, quality=rated(82.2, codec=11.0))})
    fair = verdict(caller={"arrived": replace(CLEAN, quality=rated(73.2, codec=20.0))})

    assert good.findings == ()
    assert blamed(fair) == [("caller", "codec", "codec")]


def test_each_scale_has_its_own_best():
    wideband = replace(CLEAN, quality=rated(93.2, scale="wb"))

    judged = verdict(caller={"arrived": wideband})

    assert judged.rating == "fair"


def test_without_any_score_the_rating_is_unknown():
    unscored = replace(CLEAN, quality=Quality(grounding="none", assumption="no value exists"))

    judged = judge([direction("caller", arrived=unscored, onward=None)], TALKING_S)

    assert (judged.rating, judged.words) == ("unknown", "Nothing can be said of this call's quality.")
