"""`vqm:media:<worker>`: what a relay worker has to open, change and close. Each event carries the whole state."""

from typing import Annotated, Literal

from pydantic import Field

from shared.events.base import CallId, Event, Value
from shared.events.calls import Impairment, Party

Language = Literal["en", "it"]
Port = Annotated[int, Field(ge=1, le=65535)]

MAX_FMTP = 256  # all that a codec's quality depends on is shorter; longer ones are not passed on


class PayloadFormat(Value):
    """One RTP payload type as SDP (or RFC 3551, for the static ones) names it."""

    payload_type: int = Field(ge=0, le=127, description="as in the RTP header")
    encoding: str = Field(max_length=64, description="as registered, upper case: `PCMA`, `G729`, `TELEPHONE-EVENT`")
    clock_rate: int = Field(ge=1, le=192_000, description="RTP timestamp units a second; 8000 for G722 (RFC 3551)")
    channels: int = Field(default=1, ge=1, le=8, description="as in rtpmap")
    fmtp: str | None = Field(default=None, max_length=MAX_FMTP, description="the codec's parameters (a=fmtp)")


class MediaLeg(Value):
    """One side of the relay: our port pair towards a party, and what that party's SDP said."""

    party: Party = Field(description="which side of the call")
    port: Port = Field(description="our even RTP port towards this party; RTCP is port + 1")
    remote_address: str | None = Field(default=None, max_length=64, description="from its SDP; null until it came")
    remote_port: Port | None = Field(default=None, description="from its SDP")
    remote_rtcp_port: Port | None = Field(default=None, description="a=rtcp; null: remote_port + 1")
    signalling_address: str | None = Field(
        default=None, max_length=64, description="where its SIP comes from; the other address media may come from"
    )
    formats: tuple[PayloadFormat, ...] = Field(default=(), description="payload types this party may send")
    ptime_ms: float | None = Field(default=None, gt=0, le=1000, description="as announced (a=ptime)")
    sends: bool = Field(default=True, description="false when its SDP direction forbids it to send (hold)")
    encrypted: bool = Field(default=False, description="SRTP: what the headers say can be measured, the sound cannot")
    listens: bool = Field(default=True, description="false when it forbids to send to it")


class _Media(Event):
    call_id: CallId
    media_id: str = Field(min_length=1, max_length=64, description="one relayed media stream of one call")
    mode: Literal["relay", "echo", "tone", "announce"] = Field(
        description="relay: both legs; echo: what the caller sends goes back; tone: 1004 Hz to the caller; "
        "announce: listens for a while, then speaks what was measured"
    )
    impairment: Impairment | None = Field(default=None, description="of an echo on its way back")
    language: Language = Field(default="en", description="of what is spoken")
    legs: tuple[MediaLeg, ...] = Field(min_length=1, max_length=2, description="the caller's first")

    def receiver_of(self, sender: Party) -> Party | None:
        """Who gets what a party sends: in an echo it is itself; None: nobody but us."""
        if self.mode == "echo":
            return sender
        return next((leg.party for leg in self.legs if leg.party != sender), None)


class MediaAssigned(_Media):
    """Open these ports now."""

    type: Literal["MediaAssigned"] = "MediaAssigned"


class MediaUpdated(_Media):
    """SDP arrived or changed: learn addresses anew, expect these payload types."""

    type: Literal["MediaUpdated"] = "MediaUpdated"


class MediaReleased(Event):
    """Close the ports and report. They may be used again after a quarantine."""

    type: Literal["MediaReleased"] = "MediaReleased"
    call_id: CallId
    media_id: str = Field(min_length=1, max_length=64, description="as it was assigned")


MEDIA = (MediaAssigned, MediaUpdated, MediaReleased)
