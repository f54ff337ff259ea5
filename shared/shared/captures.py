"""What was found in a capture file: the streams, the calls that its SIP tells of, and what could not be read."""

from typing import Literal

from pydantic import Field

from shared.events.base import CallId, Epoch, HostPort, Value
from shared.events.calls import Party
from shared.events.metrics import Count, StreamReport


class CapturedStream(StreamReport):
    """The final figures of one RTP stream in a capture. `source` and `target` are as in the packets."""

    number: int = Field(ge=1, description="its place in the report, by the time of its first packet")
    call_id: CallId | None = Field(  # type: ignore[assignment]  # a capture may lack the SIP: wider than in an event
        default=None, description="null: no SIP in the capture names its ends"
    )
    media_id: str | None = Field(  # type: ignore[assignment]  # as above
        default=None, max_length=64, description="streams with the same one carry the same packets on several paths"
    )
    direction: Party | None = Field(  # type: ignore[assignment]  # as above
        default=None, description="the party that sends this medium; null: not known"
    )
    target: HostPort = Field(description="where the packets go")
    identified: Literal["sdp", "sequence"] = Field(
        description="sdp: a session description names one of its ends; sequence: packets in sequence showed it"
    )
    copy_of: int | None = Field(
        default=None, description="number of the stream whose packets these are, seen on another path"
    )
    segments: Count = Field(description="1, and 1 more for each restart of the sequence or change of the path")
    packets_after_end: Count = Field(default=0, description="after the BYE; in no other figure")


class CapturedCall(Value):
    """One Call-ID of the SIP in a capture."""

    call_id: CallId
    caller: str | None = Field(default=None, max_length=256, description="From of its INVITE; null: not captured")
    callee: str | None = Field(default=None, max_length=256, description="To of its INVITE")
    ended_at: Epoch | None = Field(default=None, description="its BYE; null: not captured")
    streams: tuple[int, ...] = Field(default=(), description="numbers of its streams, without copies")
    copies: tuple[int, ...] = Field(default=(), description="numbers of those that repeat others on another path")


class CaptureCounts(Value):
    """What the packets of the file were."""

    packets: Count = Field(description="in the file")
    udp: Count = Field(description="UDP datagrams")
    rtp: Count = Field(description="RTP packets, also of what turned out to be no stream")
    rtcp: Count = Field(description="RTCP packets")
    shortened: Count = Field(description="cut off by the snap length; lengths are taken from the headers")
    unreadable: Count = Field(description="too short for their own headers")
    without_time: Count = Field(description="RTP whose arrival the file does not say: not measured")
    unmeasured: Count = Field(description="RTP beyond the number of streams that can be followed at once")
    unknown_link_type: Count = Field(description="of an interface whose frames cannot be read")


class CaptureReport(Value):
    """A capture file, analysed."""

    name: str = Field(description="of the file")
    format: Literal["pcap", "pcapng"]
    started_at: Epoch | None = Field(default=None, description="the first packet")
    ended_at: Epoch | None = Field(default=None, description="the latest packet")
    counts: CaptureCounts
    calls: tuple[CapturedCall, ...] = ()
    streams: tuple[CapturedStream, ...] = ()
    truncated: bool = Field(default=False, description="the file ends within a packet")
    damage: str | None = Field(default=None, description="why it could not be read to its end; null: it could")
