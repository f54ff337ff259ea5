"""Stream entries as the bus delivers them, with ids that count up."""

from collections.abc import Mapping
from itertools import count

from shared.broker import Delivery
from shared.events import STREAMS, Event, MalformedEntry, Stream, decode, encode

_ids = count(1_700_000_000_000)


def stream_of(event: Event) -> Stream:
    return next(stream for stream in STREAMS if isinstance(event, stream.events))


def delivered(event: Event) -> Delivery:
    return raw(stream_of(event), encode(event))


def raw(stream: Stream, fields: Mapping[str, str]) -> Delivery:
    try:
        return Delivery(stream.key, f"{next(_ids)}-0", fields, decode(fields))
    except MalformedEntry as error:
        return Delivery(stream.key, f"{next(_ids)}-0", fields, None, str(error))
