"""Between the folded values and the rows of the tables. Both have the same names in the same order, so that a row is a
tuple and costs little; a test compares the names."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from operator import attrgetter
from typing import Any

from pydantic import TypeAdapter

from api.devices import Device
from api.fold import MeasuredStream, Signalling
from api.gateways import Gateway
from api.quality import UNKNOWN, Direction, call_mos, codec_of
from api.rollup import ROW_S, Row
from api.store.bulk import Values
from shared.events import Party, StreamReport

_DIRECTIONS = TypeAdapter(dict[Party, Direction])


def _names(cls: type) -> tuple[str, ...]:
    return tuple(each.name for each in fields(cls))


SIGNALLING, DEVICE, GATEWAY = _names(Signalling), _names(Device), _names(Gateway)
ROW = Row._fields

_values_of_signalling: Callable[[Signalling], Values] = attrgetter(*SIGNALLING)
device_row: Callable[[Device], Values] = attrgetter(*DEVICE)
gateway_row: Callable[[Gateway], Values] = attrgetter(*GATEWAY)


def signalling(values: Sequence[Any]) -> Signalling:
    """From the columns SIGNALLING of `calls`."""
    return Signalling(*values)


def directions(text: str) -> dict[Party, Direction]:
    """From the column `directions` of `calls`."""
    return _DIRECTIONS.validate_json(text)


def call_row(number: int, call: Signalling, directions: Mapping[Party, Direction]) -> Values:
    caller, callee = directions.get("caller", UNKNOWN), directions.get("callee", UNKNOWN)
    ended_at = call.ended_at
    return (
        number,
        *_values_of_signalling(call),
        call.started_at,
        ended_at,
        None if ended_at is None else call.duration_s(ended_at),
        ended_at is None,
        call.final_code,
        codec_of(call, directions),
        call_mos(directions),
        _largest(caller.loss_percent, callee.loss_percent),
        _largest(caller.jitter_ms, callee.jitter_ms),
        caller.mos,
        caller.loss_percent,
        caller.jitter_ms,
        callee.mos,
        callee.loss_percent,
        callee.jitter_ms,
        _DIRECTIONS.dump_json(dict(directions), exclude_none=True).decode(),
    )


def stream(values: Sequence[Any]) -> MeasuredStream:
    """From the columns from `started_at` on of `streams`."""
    started_at, ended_at, mos_min, final, report, _ = values
    return MeasuredStream(StreamReport.model_validate_json(report), bool(final), started_at, ended_at, mos_min)


def stream_row(stream_id: int, number: int, measured: MeasuredStream) -> Values:
    report = measured.report
    return (
        stream_id,
        number,
        *measured.key,
        measured.started_at,
        measured.ended_at,
        measured.mos_min,
        measured.final,
        report.model_dump_json(exclude_defaults=True),
        ROW_S,
    )


def rolled_up(values: Sequence[Any]) -> Row:
    """From the columns ROW of `slices`."""
    *sums, impaired, details = values
    return Row._make((*sums, bool(impaired), json.loads(details) if details else {}))


def slices_row(stream_id: int, row: Row) -> Values:
    return stream_id, *row[:-1], json.dumps(row.details) if row.details else None


def _largest(*values: float | None) -> float | None:
    return max((value for value in values if value is not None), default=None)
