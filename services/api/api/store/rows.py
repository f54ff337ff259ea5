"""Between the folded values and the rows of the tables: fields and columns bear the same names."""

from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import RowMapping

from api.devices import Device
from api.fold import Call, MeasuredStream, Signalling
from api.quality import Direction, call_mos
from api.rollup import Row
from shared.events import AudioHealth, Measures, Party

_MEASURES = TypeAdapter(Measures)
_AUDIO = TypeAdapter(AudioHealth)


def _names(cls: type) -> tuple[str, ...]:
    return tuple(each.name for each in fields(cls))


_SIGNALLING, _STREAM, _DIRECTION = _names(Signalling), _names(MeasuredStream), _names(Direction)
_SLICES, _DEVICE = _names(Row), _names(Device)


def _values(value: object, names: Iterable[str]) -> dict[str, Any]:
    return {name: getattr(value, name) for name in names}


def signalling(row: RowMapping) -> Signalling:
    return Signalling(**{name: row[name] for name in _SIGNALLING})


def call_row(call: Call, directions: Mapping[Party, Direction]) -> dict[str, Any]:
    row = _values(call.signalling, _SIGNALLING)
    row["started_at"] = call.signalling.started_at
    row["live"] = call.signalling.ended_at is None
    row["codec"] = codec_of(call.signalling, directions)
    row["mos"] = call_mos(directions)
    return row


def codec_of(call: Signalling, directions: Mapping[Party, Direction]) -> str | None:
    """What the answer named; without one, what is on the wire."""
    seen = (found.codec for found in directions.values() if found.codec is not None)
    return call.signalled_codec or next(seen, None)


def direction(row: RowMapping) -> Direction:
    return Direction(**{name: row[name] for name in _DIRECTION if name != "audio"}, audio=_audio(row))


def direction_row(call_id: str, party: Party, found: Direction) -> dict[str, Any]:
    return {"call_id": call_id, "direction": party, **_values(found, _DIRECTION), "audio": _audio_text(found.audio)}


def stream(row: RowMapping) -> MeasuredStream:
    values = {name: row[name] for name in _STREAM}
    values["total"] = _MEASURES.validate_json(row["total"])
    values["audio"] = _audio(row)
    return MeasuredStream(**values)


def stream_row(measured: MeasuredStream) -> dict[str, Any]:
    audio = _audio_text(measured.audio)
    return {**_values(measured, _STREAM), "total": measured.total.model_dump_json(), "audio": audio}


def _audio(row: RowMapping) -> AudioHealth | None:
    return None if row["audio"] is None else _AUDIO.validate_json(row["audio"])


def _audio_text(audio: AudioHealth | None) -> str | None:
    return None if audio is None else audio.model_dump_json(exclude_none=True)


def five_seconds(row: RowMapping) -> Row:
    return Row(**{name: row[name] for name in _SLICES})


def slices_row(stream_id: int, row: Row) -> dict[str, Any]:
    return {"stream_id": stream_id, **_values(row, _SLICES)}


def device(row: RowMapping) -> Device:
    return Device(**{name: row[name] for name in _DEVICE})


def device_row(found: Device) -> dict[str, Any]:
    return _values(found, _DEVICE)
