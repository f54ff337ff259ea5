"""A capture report as a table for people. A column that is unknown for every stream is left out."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from shared.captures import CapturedStream, CaptureReport
from shared.events.base import Value


@dataclass(frozen=True, slots=True)
class _Column:
    header: str
    cell: Callable[[CapturedStream], str | None]
    is_number: bool = True


def _figure(path: str, digits: int = 0) -> Callable[[CapturedStream], str | None]:
    """The cell of a field of the report, or of a part of it: `total.jitter_ms`."""

    def cell(stream: CapturedStream) -> str | None:
        value: object = stream
        for name in path.split("."):
            value = getattr(value, name, None) if isinstance(value, Value) else None
        return f"{value:.{digits}f}" if isinstance(value, int | float) else None

    return cell


def _score(stream: CapturedStream) -> str | None:
    quality = stream.total.quality
    if quality is None or quality.mos is None:
        return None
    return f"{quality.mos:.2f} {quality.scale}{' proxy' if quality.grounding == 'proxy' else ''}"


def _note(stream: CapturedStream) -> str | None:
    notes = []
    if stream.copy_of is not None:
        notes.append(f"copy of {stream.copy_of}")
    if stream.segments > 1:
        notes.append(f"{stream.segments} segments")
    if stream.packets_after_end:
        notes.append(f"{stream.packets_after_end} after BYE")
    quality = stream.total.quality
    if quality is not None and quality.mos is None and quality.assumption:
        notes.append(f"no MOS: {quality.assumption}")
    return ", ".join(notes) or None


COLUMNS: Final = (
    _Column("#", lambda stream: str(stream.number)),
    _Column("from", lambda stream: stream.source, is_number=False),
    _Column("to", lambda stream: stream.target, is_number=False),
    _Column("sent by", lambda stream: stream.direction, is_number=False),
    _Column("SSRC", lambda stream: f"{stream.ssrc:08x}", is_number=False),
    _Column("codec", lambda stream: stream.codec, is_number=False),
    _Column("ptime", _figure("ptime_ms")),
    _Column("packets", _figure("total.packets_received")),
    _Column("lost", _figure("total.packets_lost")),
    _Column("loss %", _figure("total.loss_percent", 2)),
    _Column("late %", _figure("total.discard_percent", 2)),
    _Column("burst", _figure("total.burst_r", 2)),
    _Column("dup.", _figure("total.duplicates")),
    _Column("reord.", _figure("total.reordered")),
    _Column("jitter ms", _figure("total.jitter_ms", 2)),
    _Column("max", _figure("total.jitter_max_ms", 2)),
    _Column("PDV 95 % ms", _figure("total.pdv_p95_ms", 1)),
    _Column("drift ppm", _figure("drift_ppm", 0)),
    _Column("MOS", _score),
    _Column("worst 1 s", _figure("mos_min", 2)),
    _Column("notes", _note, is_number=False),
)


def show(report: CaptureReport, console: Console) -> None:
    """Writes the report: a table for each call, one for the streams of none, and what there is to say of the file."""
    console.print(Text(_summary(report)))
    for call in report.calls:
        numbers = {*call.streams, *call.copies}
        mine = [stream for stream in report.streams if stream.number in numbers]
        if mine:
            console.print(Text(f"\n{call.caller or '?'} calls {call.callee or '?'}  ({call.call_id})", style="bold"))
            console.print(_table(mine))
    others = [stream for stream in report.streams if stream.call_id is None]
    if others:
        if report.calls:
            console.print(Text("\nstreams of no call in this capture", style="bold"))
        console.print(_table(others))
    silent = sum(not (call.streams or call.copies) for call in report.calls)
    if silent:
        console.print(Text(f"\n{silent} {'call' if silent == 1 else 'calls'} without media in this capture"))


def _table(streams: list[CapturedStream]) -> Table:
    rows = [[column.cell(stream) for column in COLUMNS] for stream in streams]
    known = [at for at in range(len(COLUMNS)) if any(row[at] is not None for row in rows)]
    table = Table(box=None, pad_edge=False)
    for at in known:
        # Text: what a capture says is no markup.
        table.add_column(Text(COLUMNS[at].header), justify="right" if COLUMNS[at].is_number else "left")
    for row in rows:
        table.add_row(*(Text(row[at] or "-") for at in known))
    return table


def _summary(report: CaptureReport) -> str:
    counts = report.counts
    parts = [f"{report.name}: {counts.packets} packets"]
    if report.started_at is not None and report.ended_at is not None:
        begin = datetime.fromtimestamp(report.started_at, UTC)
        parts.append(f"{begin:%Y-%m-%d %H:%M:%S} UTC, {report.ended_at - report.started_at:.1f} s")
    copies = sum(stream.copy_of is not None for stream in report.streams)
    media = f"{len(report.streams)} RTP {'stream' if len(report.streams) == 1 else 'streams'}"
    parts.append(f"{media} ({copies} of them copies on another path)" if copies else media)
    return ", ".join(parts) if report.streams else f"{', '.join(parts[:-1])}: no RTP in it"


def warnings(report: CaptureReport) -> Iterator[str]:
    """What one should know about the file before believing the figures."""
    counts = report.counts
    if report.damage is not None:
        yield report.damage
    if report.truncated:
        yield "the file ends within a packet: what came before is shown"
    if counts.unknown_link_type:
        yield f"{counts.unknown_link_type} packets are of a link type that cannot be read (see docs/captures.md)"
    if counts.without_time:
        yield f"{counts.without_time} RTP packets have no arrival time in the file and are not measured"
    if counts.unreadable:
        yield f"{counts.unreadable} packets are shorter than their own headers (capture with -s 0, at least -s 96)"
    if counts.unmeasured:
        yield f"{counts.unmeasured} RTP packets are not measured: too many streams at once"
