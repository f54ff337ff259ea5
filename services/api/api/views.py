"""How the folded values are shown. Pure: the time is an argument."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from api.audio_flags import has_dead_air, is_clipping, is_one_way
from api.devices import Device
from api.fold import MeasuredStream, Signalling
from api.quality import UNKNOWN, Direction, call_mos, codec_of
from api.rollup import Row, bucket_of
from api.shapes import (
    STREAM_FIELDS,
    CallDetail,
    CallView,
    Directions,
    Flag,
    Injected,
    LiveSlice,
    RegistrationView,
    SliceView,
    StreamView,
    WorkerView,
)
from api.store.queries import StreamRows
from shared.broker import WorkerStatus
from shared.events import Party, Slice
from shared.events.verdict import Verdict

NO_MEDIA_AFTER_S = 5.0  # what a relay, two phones and a de-jitter buffer need at most before the first packet
STALE_AFTER_S = 300.0  # an answered call has a slice a second, and nobody lets it ring for longer (RFC 3261 timer C)


def call_view(call: Signalling, directions: Mapping[Party, Direction], now: float) -> CallView:
    """The call as it stands at `now`."""
    return CallView(**_call_fields(call, directions, now))


def call_detail(
    call: Signalling, directions: Mapping[Party, Direction], streams: Iterable[MeasuredStream], now: float
) -> CallDetail:
    """The call with its streams in the order of their beginning."""
    ordered = sorted(streams, key=lambda stream: (stream.started_at, stream.direction, stream.ssrc))
    return CallDetail(
        **_call_fields(call, directions, now),
        streams=[stream_view(stream) for stream in ordered],
        verdict=None if call.verdict is None else Verdict.model_validate_json(call.verdict),
    )


def flags(call: Signalling, directions: Mapping[Party, Direction], now: float) -> list[Flag]:
    """What a reader of the figures must know."""
    ended_at = call.ended_at
    found: list[Flag] = ["monitor_impaired"] if call.impaired else []
    if call.answered_at is not None and not call.on_hold:
        silent = any(not directions.get(party, UNKNOWN).packets_received for party in _senders(call))
        late = (now if ended_at is None else ended_at) - call.answered_at >= NO_MEDIA_AFTER_S
        if silent and late:
            found.append("no_media")
        if late and _is_one_way(call, directions):
            found.append("one_way_audio")
    heard = [directions.get(party, UNKNOWN) for party in _senders(call)]
    if any(map(has_dead_air, heard)):
        found.append("dead_air")
    if any(map(is_clipping, heard)):
        found.append("clipping")
    if ended_at is None and now - call.last_seen_at >= STALE_AFTER_S:
        found.append("stale")
    return found


def stream_view(stream: MeasuredStream) -> StreamView:
    report = {name: getattr(stream.report, name) for name in STREAM_FIELDS}
    return StreamView(
        **report,
        started_at=stream.started_at,
        ended_at=stream.ended_at if stream.final else None,
        mos_min=stream.mos_min,
    )


def course_view(stored: Iterable[StreamRows], seconds: Iterable[Slice]) -> list[SliceView]:
    """A call's course in the order of time: second by second where all seconds of a row are at hand, else the row."""
    by_row: dict[tuple[Party, int, int], dict[float, Slice]] = defaultdict(dict)
    for part in seconds:
        by_row[part.direction, part.ssrc, bucket_of(part)][part.started_at] = part
    views = []
    for stream in stored:
        for row in stream.rows:
            known = by_row.get((stream.direction, stream.ssrc, row.bucket))
            if known is None or min(known) > row.started_at:
                by_row.pop((stream.direction, stream.ssrc, row.bucket), None)
                views.append(_row_view(stream.direction, stream.ssrc, row))
    views += [slice_view(part) for known in by_row.values() for part in known.values()]
    return sorted(views, key=lambda view: (view.started_at, view.direction, view.ssrc))


def _row_view(direction: Party, ssrc: int, row: Row) -> SliceView:
    return SliceView(
        direction=direction,
        ssrc=ssrc,
        started_at=row.started_at,
        duration_s=row.duration_s,
        mos=row.mos,
        r_factor=row.r_factor,
        packets_expected=row.packets_expected,
        packets_received=row.packets_received,
        packets_lost=row.packets_lost,
        loss_percent=row.loss_percent,
        jitter_ms=row.jitter_ms,
        jitter_max_ms=row.jitter_max_ms,
        discard_percent=row.discard_percent,
        burst_r=row.details.get("burst_r"),
        pdv_p50_ms=row.details.get("pdv_p50_ms"),
        pdv_p95_ms=row.details.get("pdv_p95_ms"),
        pdv_p99_ms=row.details.get("pdv_p99_ms"),
        impaired=row.impaired,
    )


def slice_view(part: Slice) -> SliceView:
    return SliceView(**_slice_fields(part))


def live_slice(part: Slice) -> LiveSlice:
    return LiveSlice(**_slice_fields(part), call_id=part.call_id)


def _slice_fields(part: Slice) -> dict[str, Any]:
    interval, quality = part.interval, part.interval.quality
    return {
        "direction": part.direction,
        "ssrc": part.ssrc,
        "started_at": part.started_at,
        "duration_s": part.duration_s,
        "mos": quality.mos if quality else None,
        "r_factor": quality.r_factor if quality else None,
        "packets_expected": interval.packets_expected,
        "packets_received": interval.packets_received,
        "packets_lost": interval.packets_lost,
        "loss_percent": interval.loss_percent,
        "jitter_ms": interval.jitter_ms,
        "jitter_max_ms": interval.jitter_max_ms,
        "discard_percent": interval.discard_percent,
        "burst_r": interval.burst_r,
        "pdv_p50_ms": interval.pdv_p50_ms,
        "pdv_p95_ms": interval.pdv_p95_ms,
        "pdv_p99_ms": interval.pdv_p99_ms,
        "impaired": part.impaired,
    }


def registration_view(device: Device, now: float) -> RegistrationView:
    return RegistrationView(
        aor=device.aor,
        contact=device.contact,
        source=device.source,
        transport=device.transport,
        user_agent=device.user_agent,
        state=device.state(now),
        registered_at=device.registered_at,
        refreshed_at=device.refreshed_at,
        expires_at=device.expires_at,
    )


def worker_view(status: WorkerStatus) -> WorkerView:
    return WorkerView(**status.model_dump())


def _call_fields(call: Signalling, directions: Mapping[Party, Direction], now: float) -> dict[str, Any]:
    ended_at = call.ended_at
    return {
        "call_id": call.call_id,
        "state": "live" if ended_at is None else "ended",
        "phase": _phase(call),
        "caller": call.caller,
        "callee": call.callee,
        "started_at": call.started_at,
        "answered_at": call.answered_at,
        "ended_at": ended_at,
        "duration_s": call.duration_s(now),
        "codec": codec_of(call, directions),
        "final_code": call.final_code,
        "hangup_by": None if ended_at is None else call.hangup_by,
        "reason": None if ended_at is None else call.reason,
        "extension": call.extension,
        "injected": _injected(call),
        "flags": flags(call, directions, now),
        "mos": call_mos(directions),
        "directions": Directions(directions.get("caller", UNKNOWN), directions.get("callee", UNKNOWN)),
    }


def _injected(call: Signalling) -> Injected | None:
    if call.injected_loss_percent is None or call.injected_jitter_ms is None:
        return None
    return Injected(call.injected_loss_percent, call.injected_jitter_ms)


def _phase(call: Signalling) -> Literal["started", "ringing", "answered", "ended"]:
    if call.ended_at is not None:
        return "ended"
    if call.answered_at is not None:
        return "answered"
    return "started" if call.ringing_at is None else "ringing"


def _is_one_way(call: Signalling, directions: Mapping[Party, Direction]) -> bool:
    """Of a call to our own extension nobody can tell: only one direction is measured."""
    return not call.extension and is_one_way(directions.get("caller", UNKNOWN), directions.get("callee", UNKNOWN))


def _senders(call: Signalling) -> tuple[Party, ...]:
    """Who has to send media: of a call to our own extension the caller only, we do not measure ourselves."""
    return ("caller",) if call.extension else ("caller", "callee")
