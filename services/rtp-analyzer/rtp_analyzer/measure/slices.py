"""From what was counted to what is published: SLICE records become the values of `vqm:metrics`. Pure functions."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import isnan
from typing import Final, Literal, TypedDict

import numpy as np

from rtp_analyzer.audio.health import UNHEARD, Health
from rtp_analyzer.measure.missing import burst_gap, burst_ratio
from rtp_analyzer.measure.state import BUFFERS, NO_PAYLOAD_TYPE
from rtp_analyzer.quality.choice import MeanPacket, rating_of
from rtp_analyzer.quality.codecs import CodecRating
from rtp_analyzer.quality.score import score
from shared.events.calls import Party
from shared.events.media import PayloadFormat
from shared.events.metrics import (
    BufferName,
    BufferOutcome,
    BurstGap,
    ImpairedBy,
    Measures,
    Quality,
    Slice,
    StreamReport,
)

Stretch = Literal["interval", "total"]

NANOSECONDS: Final = 1e9
# Loss of a handful of packets is no percentage: one of five lost would print the worst MOS there is.
MIN_PACKETS_FOR_MOS: Final = 10
# The first and the last slice of a stream may be short: one packet lost there weighs many times as much.
MIN_SLICE_FOR_MOS_S: Final = 0.5
TOO_SHORT: Final = Quality(grounding="none", assumption="too short to judge")
# RFC 3550 6.4.1: the cumulative number of packets lost is a signed number of 24 bits.
MAX_CUMULATIVE_LOST: Final = 2**23 - 1
# RFC 3711 5.2: the authentication tag behind the payload of SRTP has 80 bits, unless another suite was chosen.
_SRTP_TAG_OCTETS: Final = 10
# A slice cut after the wall clock was set back would have no length.
SHORTEST_SLICE_S: Final = 1e-3


@dataclass(frozen=True, slots=True)
class StreamContext:
    """Whose stream it is, what its payload types mean (see formats.known_formats), which buffer its MOS is for."""

    call_id: str
    media_id: str
    direction: Party
    source: str | None
    formats: Mapping[int, PayloadFormat]
    scored_buffer: BufferName = "adaptive500"
    encrypted: bool = False

    def encoding(self, payload_type: int) -> str | None:
        """The codec's name in SDP, or None when nobody named it."""
        known = self.formats.get(payload_type)
        return known.encoding if known else None


@dataclass(frozen=True, slots=True)
class _Outcome:
    outcome: BufferOutcome
    burst_r: float | None
    score: Quality


def cumulative_lost(expected: int, received: int) -> int:
    """Lost packets as RFC 3550 A.3 and its receiver reports count them: duplicates hide loss, may be negative."""
    return max(-MAX_CUMULATIVE_LOST - 1, min(expected - received, MAX_CUMULATIVE_LOST))


@lru_cache(maxsize=4096)  # the buffers of a stretch mostly agree, and so do good slices
def quality(rating: CodecRating, expected: int, lost: int, discarded: int = 0, burst_r: float | None = None) -> Quality:
    """MOS-LQ of a stretch that misses `lost` and `discarded` of `expected` packets, or why there is none."""
    if rating.grounding != "none" and expected < MIN_PACKETS_FOR_MOS:
        return TOO_SHORT
    percent = 100 / expected if expected else 0.0
    return score(rating, lost * percent, discarded * percent, burst_r or 1.0)


def rating_for(cut: np.void, context: StreamContext) -> CodecRating:
    """What the E-model knows of the codec that is in use, at the bitrate that is seen."""
    octets, ptime_ms = float(cut["voice_octets_mean"]), float(cut["ptime_ms"])
    if context.encrypted:
        octets -= _SRTP_TAG_OCTETS
    packet = None if isnan(octets) or isnan(ptime_ms) else MeanPacket(octets, ptime_ms)
    return rating_of(context.formats.get(int(cut["payload_type"])), packet)


def _milliseconds(seconds: float) -> float | None:
    return None if isnan(seconds) else seconds * 1000


def _outcomes(cut: np.void, stretch: Stretch, rating: CodecRating, expected: int, lost: int) -> list[_Outcome]:
    """What each de-jitter buffer would have made of the stretch, in the order of BUFFERS."""
    structures = cut["losses"]["structures"]
    runs = structures["slice_runs" if stretch == "interval" else "runs"].tolist()
    discards, holds_s = cut[f"{stretch}_discarded"].tolist(), cut[f"{stretch}_hold_s"].tolist()
    outcomes = []
    for buffer, name in enumerate(BUFFERS):
        missing = lost + discards[buffer]
        in_runs = missing if stretch == "interval" else int(structures["missing"][buffer])
        mean_run = in_runs / runs[buffer] if runs[buffer] else None
        burst_r = burst_ratio(mean_run, missing / expected if expected else 0.0)
        scored = quality(rating, expected, lost, discards[buffer], burst_r)
        outcome = BufferOutcome(
            name=name,
            packets_discarded=discards[buffer],
            discard_percent=100 * discards[buffer] / expected if expected else None,
            hold_ms=_milliseconds(holds_s[buffer]),
            mos=scored.mos,
        )
        outcomes.append(_Outcome(outcome, burst_r, scored))
    return outcomes


def _measures(cut: np.void, stretch: Stretch, context: StreamContext) -> Measures:
    rating = rating_for(cut, context)
    expected, received = int(cut[f"{stretch}_expected"]), int(cut[f"{stretch}_received"])
    lost = expected - int(cut[f"{stretch}_unique"])
    # Without a clock rate no buffer can be simulated: the stream's loss is known, its discards are not.
    simulated = int(cut["total_judged"]) > 0
    outcomes = _outcomes(cut, stretch, rating, expected, lost)
    scored = outcomes[BUFFERS.index(context.scored_buffer)]
    p50, p95, p99 = (_milliseconds(value) for value in cut[f"{stretch}_variation_s"].tolist())
    return Measures(
        packets_expected=expected,
        packets_received=received,
        packets_lost=lost,
        cumulative_lost=cumulative_lost(expected, received),
        loss_percent=100 * lost / expected if expected else None,
        duplicates=int(cut[f"{stretch}_duplicates"]),
        reordered=int(cut[f"{stretch}_reordered"]),
        bytes_received=int(cut[f"{stretch}_octets"]),
        jitter_ms=_milliseconds(float(cut[f"{stretch}_jitter_s"])),
        jitter_max_ms=_milliseconds(float(cut[f"{stretch}_jitter_max_s"])),
        pdv_p50_ms=p50,
        pdv_p95_ms=p95,
        pdv_p99_ms=p99,
        packets_discarded=scored.outcome.packets_discarded if simulated else None,
        discard_percent=scored.outcome.discard_percent if simulated else None,
        burst_r=scored.burst_r,
        scored_buffer=context.scored_buffer if simulated else None,
        buffers=tuple(each.outcome for each in outcomes) if simulated else None,
        quality=scored.score,
    )


def interval_measures(cut: np.void, context: StreamContext) -> Measures:
    """The slice alone. A packet that comes after its slice was cut corrects the total, no later slice."""
    measures = _measures(cut, "interval", context)
    rated = measures.quality is not None and measures.quality.mos is not None
    if not rated or _length_s(cut) >= MIN_SLICE_FOR_MOS_S:
        return measures
    buffers = measures.buffers and tuple(outcome.model_copy(update={"mos": None}) for outcome in measures.buffers)
    return measures.model_copy(update={"quality": TOO_SHORT, "buffers": buffers})


def total_measures(cut: np.void, context: StreamContext) -> Measures:
    """The stream so far."""
    return _measures(cut, "total", context)


def build_slice(
    cut: np.void, context: StreamContext, impaired_by: tuple[ImpairedBy, ...] = (), audio: Health = UNHEARD
) -> Slice:
    """The slice that `cut_slice` wrote. `impaired_by`: what we ourselves did to it meanwhile."""
    return Slice(
        **describe(cut, context),
        **progress(cut, context),
        started_at=int(cut["started_ns"]) / NANOSECONDS,
        duration_s=max(_length_s(cut), SHORTEST_SLICE_S),
        interval=interval_measures(cut, context),
        total=total_measures(cut, context),
        impaired=bool(impaired_by),
        impaired_by=impaired_by,
        audio=audio.total,
        audio_interval=audio.slice,
    )


def build_report(cut: np.void, context: StreamContext, mos_min: float | None, audio: Health = UNHEARD) -> StreamReport:
    """The final figures of a stream from its last cut. `mos_min` is the lowest MOS of its slices."""
    return StreamReport(
        **describe(cut, context),
        **progress(cut, context),
        started_at=int(cut["first_arrival_ns"]) / NANOSECONDS,
        ended_at=int(cut["last_arrival_ns"]) / NANOSECONDS,
        mos_min=mos_min,
        total=total_measures(cut, context),
        audio=audio.total,
    )


def drift_ppm(drift: float) -> float | None:
    """How fast the sender's clock is, from what transit grows by in seconds a second: a fast clock makes it shrink."""
    return None if isnan(drift) else 0.0 - drift * 1e6


class Identity(TypedDict):
    """What a slice and a report both say of their stream."""

    call_id: str
    media_id: str
    direction: Party
    ssrc: int
    codec: str | None
    payload_type: int | None
    clock_rate: int | None
    ptime_ms: float | None
    source: str | None


class Progress(TypedDict):
    """What both say of the stream so far, beside its measures."""

    burst_gap: BurstGap | None
    loss_runs: tuple[int, ...]
    drift_ppm: float | None
    delta_max_ms: float | None
    events_received: int
    comfort_noise_received: int
    timestamp_steps: int


def describe(cut: np.void, context: StreamContext) -> Identity:
    """What it is called, where it comes from, and how it is coded."""
    payload_type = int(cut["payload_type"])
    return {
        "call_id": context.call_id,
        "media_id": context.media_id,
        "direction": context.direction,
        "ssrc": int(cut["ssrc"]),
        "codec": context.encoding(payload_type),
        "payload_type": None if payload_type == NO_PAYLOAD_TYPE else payload_type,
        "clock_rate": int(cut["clock_rate"]) or None,
        "ptime_ms": _known(float(cut["ptime_ms"])),
        "source": context.source,
    }


def progress(cut: np.void, context: StreamContext) -> Progress:
    """Bursts and gaps, runs, clocks, and packets that are no voice, of the stream so far."""
    return {
        "burst_gap": burst_gap(cut, BUFFERS.index(context.scored_buffer)),
        "loss_runs": tuple(int(count) for count in cut["losses"]["run_lengths"]),
        "drift_ppm": drift_ppm(float(cut["drift"])),
        "delta_max_ms": _milliseconds(float(cut["delta_max_s"])),
        "events_received": int(cut["events"]),
        "comfort_noise_received": int(cut["comfort_noise"]),
        "timestamp_steps": int(cut["steps"]),
    }


def _length_s(cut: np.void) -> float:
    return (int(cut["ended_ns"]) - int(cut["started_ns"])) / NANOSECONDS


def _known(value: float) -> float | None:
    return None if isnan(value) else value
