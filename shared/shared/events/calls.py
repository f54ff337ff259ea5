"""`vqm:calls`: what happened to a call, as the proxy saw it in the signalling."""

from typing import Annotated, Literal

from pydantic import Field

from shared.events.base import Aor, CallId, Event, Value

Party = Literal["caller", "callee"]


class Impairment(Value):
    """What the test extension 997 does on purpose to the media on its way back to the caller."""

    loss_percent: float = Field(ge=0, le=100, description="chance of each packet to be dropped")
    jitter_ms: float = Field(
        ge=0, le=20, description="RFC 3550 jitter that is added; exact for packets at least so far apart"
    )
    seed: int = Field(ge=0, le=2**32 - 1, description="the same seed drops the same packets of a call")


class CallStarted(Event):
    """An INVITE that opens a dialog was accepted for routing (after all authentication, so 401/407 make no call)."""

    type: Literal["CallStarted"] = "CallStarted"
    call_id: CallId
    caller: Aor
    callee: Aor
    source: Annotated[str, Field(description="where the INVITE came from, `transport:address:port`", max_length=80)]
    user_agent: str | None = Field(default=None, max_length=256, description="of the caller")
    extension: str | None = Field(
        default=None, max_length=64, description="our own test extension that answers, if one does"
    )


class CallRinging(Event):
    """The first 180 or 183 went to the caller."""

    type: Literal["CallRinging"] = "CallRinging"
    call_id: CallId
    code: int = Field(ge=101, le=199, description="the response that said so")


class CallAnswered(Event):
    """The first 2xx to the INVITE went to the caller."""

    type: Literal["CallAnswered"] = "CallAnswered"
    call_id: CallId
    code: int = Field(default=200, ge=200, le=299, description="the response that answered")
    codec: str | None = Field(
        default=None, max_length=64, description="the first audio codec of the answer, e.g. `PCMA`"
    )
    encrypted: bool = Field(default=False, description="SRTP: the packets are measured, the sound is not")
    user_agent: str | None = Field(default=None, max_length=256, description="of the answering side")
    impairment: Impairment | None = Field(
        default=None, description="injected on the way back to the caller; null: nothing is (all but 997)"
    )


class CallUpdated(Event):
    """A re-INVITE or UPDATE changed the session."""

    type: Literal["CallUpdated"] = "CallUpdated"
    call_id: CallId
    by: Party = Field(description="who asked for the change")
    codec: str | None = Field(
        default=None, max_length=64, description="the first audio codec from now on; `T38` while there is a fax instead"
    )
    encrypted: bool = Field(default=False, description="as in CallAnswered, from now on")
    on_hold: bool = Field(default=False, description="one side may not send, or must not be sent to")


class CallEnded(Event):
    """The call is over: BYE, CANCEL, a final refusal, or silence for too long."""

    type: Literal["CallEnded"] = "CallEnded"
    call_id: CallId
    hangup_by: Literal["caller", "callee", "proxy"] | None = Field(
        default=None, description="who ended it; null when nobody said (the media stopped)"
    )
    final_code: int | None = Field(default=None, ge=200, le=699, description="final response to the INVITE")
    reason: str | None = Field(default=None, max_length=256, description="Reason header or our own words")


CALLS = (CallStarted, CallRinging, CallAnswered, CallUpdated, CallEnded)
