"""Key performance indicators of telephone traffic: what is counted, and the ratios that follow. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import Field

from api.quality import percent

HOUR_S = 3600
WEEK_S = 7 * 86_400.0
SHORT_CALL_S = 6.0  # what carriers take as one: answered, and given up at once

# RFC 6076 4.7: responses that clearly show the effect of the individual called user
OF_THE_USER = (480, 486, 600, 603)
# ITU-T E.425 NER: busy, unavailable or rejected by the terminal; 607 (RFC 8197) is a user who refuses, too
DELIVERED = (*OF_THE_USER, 607)
# E.425 "ring no answer": given up by the caller, or by a timer; only what rang was delivered
GIVEN_UP = (408, 487)
# RFC 6076 4.6: the caller recovers from these by itself; they are in no denominator of SER and SEER, nor is 3xx
RECOVERABLE = (401, 402, 407)

# G.109 as MOS (G.107 Annex B, table B.1), from R = 90, 80, 70, 60 and 50 on. The pages show two decimals, and so a
# score belongs to the band that it is shown in.
_ROUNDED = 0.005
BANDS: Mapping[str, float] = {
    "best": 4.34 - _ROUNDED,
    "high": 4.03 - _ROUNDED,
    "medium": 3.60 - _ROUNDED,
    "low": 3.10 - _ROUNDED,
    "poor": 2.58 - _ROUNDED,
    "bad": 0.0,
}
GOOD_MOS = BANDS["high"]


@dataclass(frozen=True, slots=True)
class Counts:
    """What the signalling and the scores of some calls add up to; the columns of store.kpis.counts."""

    attempts: int = 0
    pending: int = 0
    answered: int = 0
    delivered: int = 0
    recoverable: int = 0
    of_the_user: int = 0
    completed: int = 0
    short: int = 0
    talk_s: float | None = None
    best: int = 0
    high: int = 0
    medium: int = 0
    low: int = 0
    poor: int = 0
    bad: int = 0


@dataclass(frozen=True, slots=True)
class PostDialDelay:
    """From the INVITE to the first 180 or 183 (RFC 6076 4.3.1), of the attempts that had one."""

    n: int = 0
    p50_s: float | None = None
    p95_s: float | None = None


@dataclass(frozen=True, slots=True)
class MosBands:
    """Calls by the score of their worse direction: the categories of ITU-T G.109, each on the scale of its codec."""

    n: Annotated[int, Field(description="answered calls with a score that our own overload did not spoil")] = 0
    best: Annotated[int, Field(description="MOS 4.34 or more: very satisfied")] = 0
    high: Annotated[int, Field(description="from 4.03: satisfied")] = 0
    medium: Annotated[int, Field(description="from 3.60: some users dissatisfied")] = 0
    low: Annotated[int, Field(description="from 3.10: many users dissatisfied")] = 0
    poor: Annotated[int, Field(description="from 2.58: nearly all users dissatisfied")] = 0
    bad: Annotated[int, Field(description="below: not recommended")] = 0


@dataclass(frozen=True, slots=True)
class GoodTime:
    """How much of the judged time of all streams was good (MOS 4.03 or more), in rows of 5 s, later of a minute."""

    judged_s: Annotated[float, Field(description="n: seconds of streams with a score; a row weighs what it lasts")]
    good_s: float
    percent: Annotated[float | None, Field(description="good over judged; null: nothing was judged, or is kept")]


@dataclass(frozen=True, slots=True)
class Kpis:
    """The figures of some calls. A ratio is null when there is nothing to divide by."""

    attempts: Annotated[int, Field(description="new calls, after authentication; one Call-ID counts once")]
    pending: Annotated[int, Field(description="of them still being set up")]
    decided: Annotated[int, Field(description="n of ASR and NER: attempts that are not pending")]
    answered: int
    asr_percent: Annotated[float | None, Field(description="answer-seizure ratio, ITU-T E.411: answered over decided")]
    ner_percent: Annotated[
        float | None,
        Field(
            description="network effectiveness ratio, ITU-T E.425: answered, busy, refused by the user, unavailable "
            "or rang without an answer, over decided"
        ),
    ]
    established_of: Annotated[int, Field(description="n of SER and SEER: decided without 3xx, 401, 402 and 407")]
    ser_percent: Annotated[float | None, Field(description="session establishment ratio, RFC 6076 4.6")]
    seer_percent: Annotated[float | None, Field(description="session establishment effectiveness ratio, RFC 6076 4.7")]
    completed: Annotated[int, Field(description="n of ACD: answered and ended")]
    acd_s: Annotated[float | None, Field(description="average call duration, from answer to end, of the completed")]
    short_calls: Annotated[int, Field(description=f"completed in less than {SHORT_CALL_S:.0f} s")]
    pdd: PostDialDelay
    concurrent_max: Annotated[int, Field(description="most calls at a time, those being set up included")]
    mos: MosBands
    good: Annotated[GoodTime | None, Field(description="null: not asked for (`good_time`)")]


@dataclass(frozen=True, slots=True)
class Measured:
    """All that the database says of one group of calls."""

    counts: Counts = field(default_factory=Counts)
    pdd: PostDialDelay = field(default_factory=PostDialDelay)
    concurrent_max: int = 0
    judged_s: float | None = None  # None: not counted
    good_s: float = 0.0


def kpis_of(measured: Measured) -> Kpis:
    """The ratios, in percent."""
    counts = measured.counts
    decided = counts.attempts - counts.pending
    established_of = decided - counts.recoverable
    bands = {name: getattr(counts, name) for name in BANDS}
    return Kpis(
        attempts=counts.attempts,
        pending=counts.pending,
        decided=decided,
        answered=counts.answered,
        asr_percent=percent(counts.answered, decided),
        ner_percent=percent(counts.answered + counts.delivered, decided),
        established_of=established_of,
        ser_percent=percent(counts.answered, established_of),
        seer_percent=percent(counts.answered + counts.of_the_user, established_of),
        completed=counts.completed,
        acd_s=counts.talk_s / counts.completed if counts.talk_s is not None and counts.completed else None,
        short_calls=counts.short,
        pdd=measured.pdd,
        concurrent_max=measured.concurrent_max,
        mos=MosBands(sum(bands.values()), **bands),
        good=None if measured.judged_s is None else _good(measured.judged_s, measured.good_s),
    )


def _good(judged_s: float, good_s: float) -> GoodTime:
    return GoodTime(judged_s, good_s, 100 * good_s / judged_s if judged_s else None)


def hours_of(since: float, until: float) -> range:
    """The hours of UTC (their numbers since 1970) that the interval [since, until) touches."""
    return range(int(since // HOUR_S), int(-(-until // HOUR_S)))


def peaks(hours: range, changes: Mapping[int, tuple[int, int]]) -> dict[int, int]:
    """The most calls at a time within each hour, from the hours in which calls began or ended: the highest level
    there, and by how much the level is different at its end."""
    found, level = {}, 0
    for hour in hours:
        highest, change = changes.get(hour, (level, 0))
        found[hour] = highest
        level += change
    return found
