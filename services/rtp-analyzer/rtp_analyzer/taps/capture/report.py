"""From the streams and calls of a capture to its report. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from ipaddress import IPv6Address
from typing import Literal

import numpy as np

from rtp_analyzer.measure.slices import NANOSECONDS, build_report
from rtp_analyzer.taps.capture.calls import Call, Endpoint
from rtp_analyzer.taps.capture.copies import media_of, whose
from rtp_analyzer.taps.capture.layout import PCAP
from rtp_analyzer.taps.capture.tables import FinishedStream
from shared.captures import CaptureCounts, CapturedCall, CapturedStream, CaptureReport


def build(
    name: str,
    reader: np.void,
    counts: Mapping[str, int],
    calls: Sequence[Call],
    finished: Iterable[FinishedStream],
    *,
    truncated: bool,
    damage: str | None,
) -> CaptureReport:
    """The report of a file that was read to its end, or as far as it could be."""
    ordered = sorted(
        (stream for stream in finished if stream.cut["total_received"] > 0 or stream.flow["after_end"] > 0),
        key=lambda stream: int(stream.cut["first_arrival_ns"]),
    )
    originals = media_of(ordered)
    streams = tuple(_stream(number, stream, originals) for number, stream in enumerate(ordered, start=1))
    return CaptureReport(
        name=name,
        format="pcap" if reader["format"] == PCAP else "pcapng",
        started_at=_seconds(int(reader["first_ns"])),
        ended_at=_seconds(int(reader["last_ns"])),
        counts=CaptureCounts.model_validate(counts),
        calls=tuple(_call(call, streams) for call in calls),
        streams=streams,
        truncated=truncated,
        damage=damage,
    )


def _seconds(nanoseconds: int) -> float | None:
    return nanoseconds / NANOSECONDS if nanoseconds >= 0 else None


def _stream(number: int, stream: FinishedStream, originals: Sequence[int]) -> CapturedStream:
    flow = stream.flow
    call, direction = whose(stream)
    original = originals[number - 1] + 1
    context = replace(stream.context, source=address(flow, "source"))
    report = build_report(stream.cut, context, stream.mos_min)
    return CapturedStream.model_validate(
        {
            **dict(report),
            "number": number,
            "call_id": call.call_id if call else None,
            "media_id": str(original),
            "direction": direction,
            "target": address(flow, "target"),
            "identified": _identified(stream.source, stream.target),
            "copy_of": original if original != number else None,
            "segments": int(stream.cut["segments"]),
            "packets_after_end": int(flow["after_end"]),
        }
    )


def _identified(source: Endpoint | None, target: Endpoint | None) -> Literal["sdp", "sequence"]:
    return "sequence" if source is None and target is None else "sdp"


def address(flow: np.void, end: Literal["source", "target"]) -> str:
    """`address:port`; IPv6 in brackets."""
    host = IPv6Address(int(flow[f"{end}_high"]) << 64 | int(flow[f"{end}_low"]))
    text = str(host.ipv4_mapped) if host.ipv4_mapped else f"[{host}]"
    return f"{text}:{int(flow[f'{end}_port'])}"


def _call(call: Call, streams: Sequence[CapturedStream]) -> CapturedCall:
    mine = [stream for stream in streams if stream.call_id == call.call_id]
    return CapturedCall(
        call_id=call.call_id,
        caller=call.caller,
        callee=call.callee,
        ended_at=_seconds(call.ended_ns) if call.ended_ns is not None else None,
        streams=tuple(stream.number for stream in mine if stream.copy_of is None),
        copies=tuple(stream.number for stream in mine if stream.copy_of is not None),
    )
