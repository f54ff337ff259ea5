"""Who is to blame for what is heard in a call: from what reached us and what the far ends report to findings. Pure.

The relay stands in the middle, so each direction has two halves. What is missing when a stream arrives was lost between
its sender and us. What its receiver misses beyond that (RTCP about the very stream that we forwarded: sequence numbers
pass unaltered) was lost after us. Where no RTCP speaks of the second half, it stays unjudged.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from rtp_analyzer.quality.emodel import SCALES
from rtp_analyzer.quality.words import in_words
from shared.events.calls import Party
from shared.events.metrics import Quality
from shared.events.verdict import Culprit, Evidence, Finding, Problem, Rating, Verdict

# The bands of ITU-T G.109 on the narrowband scale: "satisfied" begins at 80, "some users dissatisfied" at 70.
GOOD_R: Final = 80.0
FAIR_R: Final = 70.0

AUDIBLE_LOSS_PERCENT: Final = 1.0
MIN_LOST: Final = 5  # fewer are chance, whatever share of a short call they are
# ITU-T G.114 wants no more from mouth to ear. Of that the network is what was measured: how long a phone's buffer holds
# packets is simulated, and what comes late is a problem of its own.
SLOW_ONE_WAY_MS: Final = 150.0
WILD_CLOCK_PPM: Final = 300.0  # crystals keep 100 ppm; beyond it buffers run over or dry within minutes
SENDER_STEPS: Final = 3  # timestamps that jump again and again are no network's doing
DEAR_CODEC_R: Final = 10.0
DEAD_AIR_S: Final = 5.0
CLIPPED_PERCENT: Final = 1.0
MISSING_AFTER_S: Final = 5.0  # both phones have begun to send by then
MOST_OF: Final = 2 / 3


@dataclass(frozen=True, slots=True)
class Arrived:
    """One party's stream as it reached us. Percentages are of the packets expected."""

    packets_expected: int
    packets_lost: int
    cumulative_lost: int  # as RTCP counts (RFC 3550 A.3): duplicates hide loss
    discard_percent: float | None = None
    discards: int = 0
    timestamp_steps: int = 0
    drift_ppm: float | None = None
    dropped_by_us: int = 0  # SO_RXQ_OVFL: they had arrived
    quality: Quality | None = None
    dead_air_s: float | None = None
    clipping_percent: float | None = None


@dataclass(frozen=True, slots=True)
class Onward:
    """The same stream as its receiver's RTCP describes it (RFC 3550 6.4.1): cumulative, so with what we missed."""

    packets_lost: int
    quality: Quality | None = None  # of the E-model with that loss


@dataclass(frozen=True, slots=True)
class Direction:
    """What is known of what one party sends."""

    sender: Party
    receiver: Party | None  # of what we forward: the sender itself in an echo; None: it is for us
    may_send: bool  # as SDP says: neither on hold nor one-way by intent
    arrived: Arrived | None  # None: no packet came
    refused: int = 0  # packets that came to the sender's port from somewhere else
    onward: Onward | None = None
    rtt_ms: float | None = None  # between the sender and us
    one_way_ms: float | None = None  # of the network, between the phones


def judge(directions: Iterable[Direction], talking_s: float) -> Verdict:
    """The verdict on a call whose media has been open for `talking_s` seconds since it was answered."""
    both = tuple(directions)
    findings = sorted(
        (finding for direction in both for finding in _findings(direction, talking_s)),
        key=lambda finding: -_weight(finding),
    )
    rating = _rating(both, findings)
    unseen = tuple(
        direction.receiver
        for direction in both
        if direction.arrived and direction.receiver and direction.onward is None
    )
    return Verdict(
        rating=rating, findings=tuple(findings), unseen=unseen, words=in_words(rating, tuple(findings), unseen)
    )


def _weight(finding: Finding) -> float:
    """For the order: a party that is not heard at all comes first, then what costs most."""
    if finding.problem in ("missing", "silent"):
        return 100.0
    return finding.r_lost or 0.0


def _findings(direction: Direction, talking_s: float) -> Iterator[Finding]:
    if direction.arrived is None:
        if direction.may_send and talking_s >= MISSING_AFTER_S:
            yield _missing(direction)
        return
    yield from _losses(direction, direction.arrived)
    yield from _of_the_sender(direction, direction.arrived)
    yield from _slowness(direction)


def _missing(direction: Direction) -> Finding:
    if direction.refused:
        # Its packets take another way than its SDP and its signalling: a NAT in front of the device.
        return _finding(
            direction,
            "missing",
            _access(direction.sender),
            Evidence(measure="packets_refused", value=direction.refused),
        )
    return _finding(direction, "missing", "unknown", Evidence(measure="packets_received", value=0))


def _losses(direction: Direction, arrived: Arrived) -> Iterator[Finding]:
    ours = min(arrived.dropped_by_us, arrived.packets_lost)
    before_us = arrived.packets_lost - ours
    waterfall = arrived.quality.waterfall if arrived.quality else None
    cost = waterfall.loss + waterfall.burst if waterfall else None
    for lost, culprit in ((before_us, _access(direction.sender)), (ours, "monitor")):
        if _audible(lost, arrived.packets_expected) or (culprit == "monitor" and lost):
            share = None if cost is None else cost * lost / arrived.packets_lost
            yield _finding(direction, "loss", culprit, _percent("loss_percent", lost, arrived), r_lost=share)
    if direction.onward is not None and direction.receiver is not None:
        after_us = direction.onward.packets_lost - arrived.cumulative_lost
        if _audible(after_us, arrived.packets_expected):
            evidence = _percent("loss_after_us_percent", after_us, arrived)
            cost = _difference(arrived.quality, direction.onward.quality)
            yield _finding(direction, "loss", _access(direction.receiver), evidence, r_lost=cost)
    if arrived.discard_percent is not None and _audible(arrived.discards, arrived.packets_expected):
        yield _finding(
            direction,
            "late",
            _device(direction.sender) if arrived.timestamp_steps >= SENDER_STEPS else _access(direction.sender),
            Evidence(measure="discard_percent", value=arrived.discard_percent, limit=AUDIBLE_LOSS_PERCENT),
            r_lost=waterfall.discard if waterfall else None,
        )


def _of_the_sender(direction: Direction, arrived: Arrived) -> Iterator[Finding]:
    device = _device(direction.sender)
    if arrived.drift_ppm is not None and abs(arrived.drift_ppm) > WILD_CLOCK_PPM:
        yield _finding(
            direction, "clock", device, Evidence(measure="drift_ppm", value=arrived.drift_ppm, limit=WILD_CLOCK_PPM)
        )
    if arrived.dead_air_s is not None and arrived.dead_air_s >= DEAD_AIR_S:
        yield _finding(
            direction, "silent", device, Evidence(measure="dead_air_s", value=arrived.dead_air_s, limit=DEAD_AIR_S)
        )
    if arrived.clipping_percent is not None and arrived.clipping_percent >= CLIPPED_PERCENT:
        evidence = Evidence(measure="clipping_percent", value=arrived.clipping_percent, limit=CLIPPED_PERCENT)
        yield _finding(direction, "clipped", device, evidence)
    waterfall = arrived.quality.waterfall if arrived.quality else None
    if waterfall and waterfall.codec >= DEAR_CODEC_R and _band(arrived.quality) != "good":
        evidence = Evidence(measure="ie", value=waterfall.ie)
        yield _finding(direction, "codec", "codec", evidence, r_lost=waterfall.codec)


def _slowness(direction: Direction) -> Iterator[Finding]:
    if direction.one_way_ms is None or direction.one_way_ms <= SLOW_ONE_WAY_MS:
        return
    evidence = Evidence(measure="one_way_ms", value=direction.one_way_ms, limit=SLOW_ONE_WAY_MS)
    culprit: Culprit = "unknown"
    if direction.rtt_ms is not None and direction.rtt_ms / 2 >= MOST_OF * direction.one_way_ms:
        culprit = _access(direction.sender)
    yield _finding(direction, "delay", culprit, evidence)


def _rating(directions: tuple[Direction, ...], findings: list[Finding]) -> Rating:
    if any(finding.problem in ("missing", "silent") for finding in findings):
        return "poor"
    heard = [part.quality for direction in directions for part in (direction.arrived, direction.onward) if part]
    bands = {_band(quality) for quality in heard}
    for band in ("poor", "fair", "good"):
        if band in bands:
            return band
    return "unknown"


def _band(quality: Quality | None) -> Rating:
    if quality is None or quality.r_factor is None:
        return "unknown"
    r = quality.r_factor / SCALES[quality.scale].stretch
    return "good" if r >= GOOD_R else "fair" if r >= FAIR_R else "poor"


def _difference(before: Quality | None, after: Quality | None) -> float | None:
    if before is None or after is None or before.r_factor is None or after.r_factor is None:
        return None
    return before.r_factor - after.r_factor


def _audible(packets: int, expected: int) -> bool:
    return packets >= MIN_LOST and 100 * packets >= AUDIBLE_LOSS_PERCENT * expected


def _percent(measure: str, packets: int, arrived: Arrived) -> Evidence:
    return Evidence(measure=measure, value=100 * packets / arrived.packets_expected, limit=AUDIBLE_LOSS_PERCENT)


def _access(party: Party) -> Culprit:
    return "caller_access" if party == "caller" else "callee_access"


def _device(party: Party) -> Culprit:
    return "caller_device" if party == "caller" else "callee_device"


def _finding(
    direction: Direction, problem: Problem, culprit: Culprit, *evidence: Evidence, r_lost: float | None = None
) -> Finding:
    return Finding(direction=direction.sender, problem=problem, culprit=culprit, r_lost=r_lost, evidence=evidence)
