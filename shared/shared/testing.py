"""What tests of all services share: event builders with sensible values, and an outbox that records."""

from typing import Any

from shared.events import (
    CallAnswered,
    CallEnded,
    CallJudged,
    CallStarted,
    Draft,
    Event,
    Measures,
    MediaAssigned,
    MediaLeg,
    PayloadFormat,
    Quality,
    Slice,
    SlicesMeasured,
    Stream,
    decode,
    encode,
)
from shared.events.verdict import Rating

AT = 1_700_000_000.0
PCMA = PayloadFormat(payload_type=8, encoding="PCMA", clock_rate=8000)


class RecordingOutbox:
    """Takes events like `Outbox` and keeps them."""

    def __init__(self) -> None:
        self.entries: list[tuple[Stream, Event]] = []
        self.dropped = 0

    def put(self, stream: Stream, event: Event | Draft) -> None:
        self.entries.append((stream, event if isinstance(event, Event) else decode(encode(event))))

    @property
    def events(self) -> list[Event]:
        return [event for _, event in self.entries]


def call_started(**changes: Any) -> CallStarted:
    return CallStarted.model_validate(
        {
            "at": AT,
            "call_id": "call-1",
            "caller": "alice@example.com",
            "callee": "bob@example.com",
            "source": "udp:192.0.2.1:5060",
            **changes,
        }
    )


def call_answered(**changes: Any) -> CallAnswered:
    return CallAnswered.model_validate({"at": AT + 2, "call_id": "call-1", "codec": "PCMA", **changes})


def call_ended(**changes: Any) -> CallEnded:
    return CallEnded.model_validate(
        {"at": AT + 12, "call_id": "call-1", "hangup_by": "caller", "final_code": 200, **changes}
    )


def call_judged(rating: Rating = "good", **changes: Any) -> CallJudged:
    verdict = {"rating": rating, "words": f"The call is {rating}."}
    who = {"worker": "worker-1", "call_id": "call-1", "media_id": "media-1"}
    return CallJudged.model_validate({"at": AT + 6, **who, "final": False, "verdict": verdict, **changes})


def media_assigned(**changes: Any) -> MediaAssigned:
    legs = (
        MediaLeg(party="caller", port=20000, remote_address="192.0.2.1", remote_port=4000, formats=(PCMA,)),
        MediaLeg(party="callee", port=20002, remote_address="192.0.2.2", remote_port=4000, formats=(PCMA,)),
    )
    return MediaAssigned.model_validate(
        {"at": AT, "call_id": "call-1", "media_id": "media-1", "mode": "relay", "legs": legs, **changes}
    )


def measures(expected: int = 50, lost: int = 0, **changes: Any) -> Measures:
    return Measures.model_validate(
        {
            "packets_expected": expected,
            "packets_received": expected - lost,
            "packets_lost": lost,
            "loss_percent": 100 * lost / expected if expected else None,
            "jitter_ms": 0.5,
            "jitter_max_ms": 1.0,
            "quality": Quality(grounding="standard", mos=4.41, r_factor=93.2),
            **changes,
        }
    )


def slice_of(**changes: Any) -> Slice:
    return Slice.model_validate(
        {
            "call_id": "call-1",
            "media_id": "media-1",
            "direction": "caller",
            "ssrc": 0x11223344,
            "codec": "PCMA",
            "payload_type": 8,
            "clock_rate": 8000,
            "ptime_ms": 20.0,
            "source": "192.0.2.1:4000",
            "started_at": AT + 2,
            "duration_s": 1.0,
            "interval": measures(),
            "total": measures(),
            **changes,
        }
    )


def slices_measured(*slices: Slice, **changes: Any) -> SlicesMeasured:
    return SlicesMeasured.model_validate(
        {"at": AT + 3, "worker": "worker-1", "slices": slices or (slice_of(),), **changes}
    )
