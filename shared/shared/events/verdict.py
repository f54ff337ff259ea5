"""`vqm:metrics`: who is to blame for what was heard, with the evidence, as data that a page can say in any language."""

from typing import Literal

from pydantic import Field

from shared.events.base import CallId, Event, Value
from shared.events.calls import Party

Rating = Literal["good", "fair", "poor", "unknown"]
Problem = Literal["missing", "loss", "late", "delay", "clock", "codec", "silent", "clipped"]
Culprit = Literal[
    "caller_access",  # the way between the caller and us
    "callee_access",
    "caller_device",
    "callee_device",
    "monitor",  # ourselves
    "codec",
    "unknown",
]


class Evidence(Value):
    """One number that a finding rests on."""

    measure: str = Field(max_length=32, description="its name in the figures of the stream, e.g. `loss_percent`")
    value: float = Field(description="as measured")
    limit: float | None = Field(default=None, description="what it would have to stay below to go unnoticed")


class Finding(Value):
    """Something that is wrong with what one party sends."""

    direction: Party = Field(description="the party that sends the stream that suffers")
    problem: Problem = Field(description="what is wrong with it")
    culprit: Culprit = Field(description="where it comes from; unknown: the evidence does not tell")
    r_lost: float | None = Field(default=None, description="points of R that it costs, where the E-model says so")
    evidence: tuple[Evidence, ...] = Field(default=(), max_length=8, description="the numbers that say so")


class Verdict(Value):
    """The judgement on a call. It names only what the evidence shows; what could not be seen is listed."""

    rating: Rating = Field(description="of the worse direction, by the bands of ITU-T G.109")
    findings: tuple[Finding, ...] = Field(default=(), max_length=32, description="the costliest first")
    unseen: tuple[Party, ...] = Field(
        default=(), max_length=2, description="parties whose RTCP does not tell what reached them after us"
    )
    words: str = Field(max_length=1024, description="the same in English")


class CallJudged(Event):
    """What the relay makes of a call: while it runs whenever that changes, and when its media has stopped."""

    type: Literal["CallJudged"] = "CallJudged"
    worker: str = Field(max_length=64, description="who judged")
    call_id: CallId
    media_id: str = Field(max_length=64, description="the medium that was judged")
    final: bool = Field(description="the media has stopped: no other verdict follows from this worker")
    verdict: Verdict
