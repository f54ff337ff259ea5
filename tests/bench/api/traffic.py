"""What a relay worker and a proxy would publish of many calls at once, encoded as on the streams."""

import random
from collections.abc import Iterator

from shared.events import Event, Measures, Quality, Slice, SlicesMeasured, StreamEnded, StreamReport, Waterfall
from shared.testing import AT, call_answered, call_ended, call_started

AN_ENTRY = 100


def signalling(number: int, at: float) -> list[Event]:
    """The events of the beginning of a call."""
    call_id, caller, callee = (
        call_id_of(number),
        f"gateway-{number % 200}@example.com",
        f"39055{number:07d}@example.com",
    )
    return [
        call_started(at=at, call_id=call_id, caller=caller, callee=callee),
        call_answered(at=at + 2, call_id=call_id),
    ]


def ending(number: int, at: float) -> Event:
    return call_ended(at=at, call_id=call_id_of(number))


def call_id_of(number: int) -> str:
    return f"{number:08x}-5a3f-4c1d@192.0.2.{number % 250}"


def tick(calls: range, second: int, chance: random.Random) -> Iterator[SlicesMeasured]:
    """What the streams of all calls say of one second, in entries of 100 slices."""
    slices = [_slice(number, party, second, chance) for number in calls for party in ("caller", "callee")]
    for first in range(0, len(slices), AN_ENTRY):
        yield SlicesMeasured(at=AT + second + 1, worker="worker-1", slices=tuple(slices[first : first + AN_ENTRY]))


def report(number: int, party: str, seconds: int, chance: random.Random) -> StreamEnded:
    """The final figures of a stream."""
    part = _slice(number, party, seconds - 1, chance)
    fields = part.model_dump(exclude={"interval", "duration_s", "impaired", "started_at"})
    final = StreamReport.model_validate({**fields, "started_at": AT, "ended_at": AT + seconds, "mos_min": 3.9})
    return StreamEnded(at=AT + seconds, worker="worker-1", call_id=part.call_id, report=final)


def _slice(number: int, party: str, second: int, chance: random.Random) -> Slice:
    return Slice.model_validate(
        {
            "call_id": call_id_of(number),
            "media_id": f"{number:08x}-0",
            "direction": party,
            "ssrc": number * 2 + (party == "callee"),
            "codec": "PCMA",
            "payload_type": 8,
            "clock_rate": 8000,
            "ptime_ms": 20.0,
            "source": f"192.0.2.{number % 250}:{4000 + number % 9999}",
            "started_at": AT + second,
            "duration_s": 1.0,
            "interval": _measures(50, chance),
            "total": _measures(50 * (second + 1), chance),
        }
    )


def _measures(expected: int, chance: random.Random) -> Measures:
    lost = sum(chance.random() < 0.01 for _ in range(5))
    mos = 4.41 - lost / 10
    burst = round(chance.random(), 6)
    waterfall = Waterfall(
        ro=94.768844,
        simultaneous=1.413886,
        delay=0.0,
        codec=0.0,
        loss=12.345 * lost,
        burst=burst,
        r=93.2 - lost,
        ie=0.0,
        bpl=25.1,
    )
    quality = Quality(
        grounding="standard", assumption="G.711 with PLC", mos=mos, r_factor=93.2 - lost, waterfall=waterfall
    )
    return Measures(
        packets_expected=expected,
        packets_received=expected - lost,
        packets_lost=lost,
        cumulative_lost=lost,
        loss_percent=100 * lost / expected,
        bytes_received=160 * expected,
        jitter_ms=chance.random() * 5,
        jitter_max_ms=5.0 + chance.random(),
        quality=quality,
    )
