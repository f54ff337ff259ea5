"""An event as the flat fields of a stream entry, and back."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from pydantic import TypeAdapter, ValidationError

from shared.events.base import Event
from shared.events.streams import STREAMS

_CLASSES: dict[str, type[Event]] = {event.__name__: event for stream in STREAMS for event in stream.events}
_ADAPTERS: dict[str, TypeAdapter[Event]] = {name: TypeAdapter(cls) for name, cls in _CLASSES.items()}


class MalformedEntry(ValueError):
    """A stream entry that is no event of ours: its writer is at fault, the reader sets it aside and goes on."""


class Draft(Protocol):
    """An event that is written without being made, for what comes with every message: to make and check the value
    costs several times what it costs to write it. Readers get the value."""

    def fields(self) -> dict[str, str]:
        """What `encode` would make of the event."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """A draft whose data is JSON already."""

    type: str
    at: float
    data: str

    def fields(self) -> dict[str, str]:
        """As `encode` writes them, of an event without a call of its own."""
        return {"type": self.type, "at": f"{self.at:.6f}", "data": self.data}


def encode_slices(worker: str, at: float, slices: Iterable[str]) -> Encoded:
    """A SlicesMeasured of slices that are JSON already."""
    head = json.dumps({"at": at, "type": "SlicesMeasured", "worker": worker})
    return Encoded("SlicesMeasured", at, f'{head[:-1]}, "slices": [{",".join(slices)}]}}')


def encode(event: Event | Draft) -> dict[str, str]:
    """The fields of the entry: `type`, `call_id` where there is one, `at`, and the whole event as JSON in `data`."""
    if not isinstance(event, Event):
        return event.fields()
    fields = {"type": type(event).__name__}
    call_id = getattr(event, "call_id", None)
    if call_id is not None:
        fields["call_id"] = call_id
    fields["at"] = f"{event.at:.6f}"
    fields["data"] = event.model_dump_json()
    return fields


def decode(fields: Mapping[str, str]) -> Event:
    """The event of an entry.

    Raises:
        MalformedEntry: the type is unknown, or the data does not fit it.
    """
    adapter = _ADAPTERS.get(fields.get("type", ""))
    if adapter is None:
        raise MalformedEntry(f"unknown event type {fields.get('type', '')[:64]!r}")
    try:
        return adapter.validate_json(fields.get("data", ""))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise MalformedEntry(f"{fields['type']}: {where}: {first['msg']}") from error
