"""Calls as a file: CSV for spreadsheets, JSON for programs. Pure; in parts, so that any number of calls streams."""

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import fields
from typing import Any

from pydantic import TypeAdapter

from api.quality import PARTIES, Direction
from api.shapes import CallView, rfc3339

_CALL = TypeAdapter(CallView)
_TIMES = ("started_at", "answered_at", "ended_at")
_PLAIN = (
    "call_id",
    "state",
    "caller",
    "callee",
    *_TIMES,
    "duration_s",
    "codec",
    "final_code",
    "hangup_by",
    "reason",
    "extension",
    "mos",
)
_FIGURES = tuple(each.name for each in fields(Direction))
COLUMNS = (*_PLAIN, "flags", *(f"{party}_{name}" for party in PARTIES for name in _FIGURES))
# What a spreadsheet takes for a formula (OWASP, CSV injection): a caller chooses his name himself.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_head() -> str:
    """The first line (RFC 4180)."""
    return _lines([COLUMNS])


def csv_rows(calls: Iterable[CallView]) -> str:
    """A line for each call; what is not known is empty."""
    return _lines(_cells(call) for call in calls)


def json_items(calls: Iterable[CallView]) -> str:
    """The calls as items of a JSON array, without its brackets."""
    return ",\n".join(_CALL.dump_json(call).decode() for call in calls)


def _cells(call: CallView) -> Iterator[Any]:
    for name in _PLAIN:
        value = getattr(call, name)
        yield rfc3339(value) if name in _TIMES and value is not None else _harmless(value)
    yield " ".join(call.flags)
    for direction in (call.directions.caller, call.directions.callee):
        yield from (_harmless(getattr(direction, name)) for name in _FIGURES)


def _harmless(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def _lines(rows: Iterable[Iterable[Any]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()
