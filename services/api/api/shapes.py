"""The shapes of the answers of REST and of the WebSocket."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import Field, PlainSerializer, WithJsonSchema

from api.devices import DeviceState
from api.gateways import GatewayState
from api.quality import Direction
from shared.captures import CaptureReport
from shared.events import Party, StreamReport
from shared.events.verdict import Verdict

Flag = Literal["monitor_impaired", "no_media", "one_way_audio", "dead_air", "clipping", "stale"]


def rfc3339(at: float) -> str:
    """Epoch seconds as `2025-01-31T12:00:00.000Z`."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


Time = Annotated[
    float,
    PlainSerializer(rfc3339, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]


@dataclass(frozen=True, slots=True)
class Directions:
    """`caller`: the stream that the caller sends; `callee`: the one that the callee sends."""

    caller: Direction
    callee: Direction


@dataclass(frozen=True, slots=True)
class Injected:
    """What the test extension 997 adds on purpose to the audio on its way back to the caller; we do not measure it."""

    loss_percent: float
    jitter_ms: Annotated[float, Field(description="as RFC 3550 measures it where it arrives")]


@dataclass(frozen=True, slots=True)
class CallView:
    """A call as it stands now."""

    call_id: Annotated[str, Field(description="the SIP Call-ID")]
    state: Literal["live", "ended"]
    phase: Literal["started", "ringing", "answered", "ended"]
    caller: Annotated[str | None, Field(description="address of record; null until the signalling told it")]
    callee: str | None
    started_at: Time
    answered_at: Time | None
    ended_at: Time | None
    duration_s: Annotated[float | None, Field(description="from answer to end, or until now; null: never answered")]
    codec: str | None
    final_code: Annotated[int | None, Field(description="final response to the INVITE")]
    hangup_by: Annotated[str | None, Field(description="caller, callee or proxy")]
    reason: str | None
    extension: Annotated[str | None, Field(description="our own test extension that answered")]
    injected: Annotated[Injected | None, Field(description="null: nothing is, as in all calls but those to 997")]
    flags: Annotated[
        list[Flag],
        Field(
            description="monitor_impaired: our own overload spoiled a measurement; no_media: answered, but a party "
            "that should send does not; one_way_audio: one party is heard, the other one is not; dead_air: packets "
            "with digital silence for 10 s; clipping: a sound that is cut off; stale: nothing was heard of this live "
            "call for minutes"
        ),
    ]
    mos: Annotated[float | None, Field(description="of the worse direction")]
    directions: Directions


class StreamView(StreamReport):
    """One RTP stream with all its measures: its final report, or what is known so far."""

    started_at: Time
    ended_at: Time | None  # type: ignore[assignment]  # a stream that goes on has a report so far and no end


STREAM_FIELDS = tuple(StreamReport.model_fields.keys() - {"started_at", "ended_at", "mos_min"})


@dataclass(frozen=True, slots=True)
class CallDetail(CallView):
    """A call with its streams."""

    streams: list[StreamView]
    verdict: Annotated[Verdict | None, Field(description="who is to blame, in words and as data; null: no verdict")]


@dataclass(frozen=True, slots=True)
class SliceView:
    """A stretch of one stream: a second of a live call, or the five seconds that are kept."""

    direction: Party
    ssrc: int
    started_at: Time
    duration_s: float
    mos: float | None
    r_factor: float | None
    packets_expected: int
    packets_received: int
    packets_lost: int
    loss_percent: float | None
    jitter_ms: float | None
    jitter_max_ms: float | None
    discard_percent: Annotated[float | None, Field(description="too late for the scored de-jitter buffer")]
    burst_r: Annotated[float | None, Field(description="burst ratio (G.107); of five seconds: of the worst second")]
    pdv_p50_ms: Annotated[float | None, Field(description="RFC 5481; of five seconds: of the worst second")]
    pdv_p95_ms: Annotated[float | None, Field(description="the same, 95th percentile")]
    pdv_p99_ms: Annotated[float | None, Field(description="the same, 99th percentile")]
    impaired: bool


@dataclass(frozen=True, slots=True)
class LiveSlice(SliceView):
    """A second of a live call, as it is pushed."""

    call_id: str


@dataclass(frozen=True, slots=True)
class MessageView:
    """One SIP message, with secrets replaced by `***`."""

    at: Time
    direction: Literal["received", "sent"]
    transport: str
    local: str
    remote: str
    method: str
    cseq: int
    status: int | None
    reason_phrase: str | None
    text: str


@dataclass(frozen=True, slots=True)
class RegistrationView:
    """A contact of an address of record."""

    aor: str
    contact: str
    source: str
    transport: str
    user_agent: str | None
    state: DeviceState
    registered_at: Time | None
    refreshed_at: Time | None
    expires_at: Time | None


@dataclass(frozen=True, slots=True)
class GatewayView:
    """A contact that is asked whether it lives; gateways.Gateway."""

    aor: str
    contact: str
    source: str
    transport: str
    seen_at: Time
    state: Annotated[GatewayState | None, Field(description="null: too few probes to say")]
    state_since: Time | None
    probed_at: Time | None
    code: Annotated[int | None, Field(description="answer to the newest probe; null: none")]
    rtt_ms: Annotated[float | None, Field(description="round-trip time of the newest probe")]
    answered_at: Time | None


@dataclass(frozen=True, slots=True)
class ProbeView:
    """One OPTIONS."""

    at: Time
    code: int | None
    rtt_ms: float | None


@dataclass(frozen=True, slots=True)
class SecurityEventView:
    """Something that an operator or fail2ban wants to know."""

    at: Time
    type: str
    source: str
    transport: str
    method: str | None
    account: str | None
    call_id: str | None
    reason: str | None
    count: int
    until: Annotated[Time | None, Field(description="when a ban ends by itself")]


@dataclass(frozen=True, slots=True)
class WorkerView:
    """What a relay worker says of itself."""

    worker: str
    at: Time
    address: str
    port_min: int
    port_max: int
    capacity: int
    load: int
    counters: dict[str, float]
    draining: Annotated[bool, Field(description="it takes no new calls and ends with its last one")]
    delay_p50_ms: Annotated[float | None, Field(description="how long packets waited in it, in the last second")]
    delay_p99_ms: float | None


CAPTURE_UNDER_WAY = ("queued", "running")


@dataclass(frozen=True, slots=True)
class CaptureView:
    """An uploaded capture file."""

    capture_id: str
    name: Annotated[str, Field(description="of the file, as the user calls it")]
    uploaded_by: str
    uploaded_at: Time
    size_bytes: int
    state: Literal["queued", "running", "done", "failed"]
    progress: Annotated[float | None, Field(description="share that was analysed, 0 to 1; null: not begun, or failed")]
    finished_at: Time | None
    error: Annotated[str | None, Field(description="why there is no report, in one sentence")]
    streams: Annotated[int | None, Field(description="RTP streams in its report; null: no report")]


@dataclass(frozen=True, slots=True)
class CaptureDetail(CaptureView):
    """A capture file with what was found in it."""

    report: CaptureReport | None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """First message of the WebSocket, and whenever a client could not keep up: all that is live."""

    seq: int
    at: Time
    calls: list[CallView]
    registrations: list[RegistrationView]
    captures: Annotated[list[CaptureView], Field(description="those that are not analysed yet")]
    type: Literal["snapshot"] = "snapshot"


@dataclass(frozen=True, slots=True)
class Delta:
    """What changed since the message before, four times a second at most."""

    seq: int
    at: Time
    calls: list[CallView]
    removed: Annotated[list[str], Field(description="Call-IDs that left the live view")]
    registrations: list[RegistrationView]
    slices: list[LiveSlice]
    captures: list[CaptureView]
    captures_removed: Annotated[list[str], Field(description="ids of captures that were deleted")]
    type: Literal["delta"] = "delta"


@dataclass(frozen=True, slots=True)
class Ping:
    """The connection lives although nothing happens."""

    at: Time
    type: Literal["ping"] = "ping"
