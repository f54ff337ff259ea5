"""What changes the database: batches of events, folded onto what is stored.

Every function works inside a transaction that `Database.writing` opened, and storing the same thing twice changes
nothing: calls, streams, devices and gateways are folds, rolled-up rows know their slices, the rest has the event's own
digest as its key.
"""

import json
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from operator import attrgetter

from sqlalchemy import Column, delete, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from api.batch import Batch, EntryOrder, entry_order
from api.devices import DeviceEvent, fold_device
from api.fold import Gathered, StreamKey, fold_all
from api.gateways import GatewayEvent, fold_gateway
from api.quality import directions_of
from api.rollup import Row, add
from api.store import bulk, queries, rows, tables
from shared.broker import Delivery
from shared.events import Event, GatewayProbed, SipMessageSeen

REJECTED_KEPT = 1000
REJECTED_TEXT_MAX = 65_536

SecondsOf = Mapping[tuple[str, StreamKey], Sequence[Row]]


async def store(connection: AsyncConnection, batch: Batch, now: float, *, details: bool = True) -> None:
    """Stores a batch. Without `details`: neither SIP messages, nor courses, nor single probes."""
    stream_ids = await _store_calls(connection, batch.calls)
    await _store_devices(connection, batch.devices)
    await _store_gateways(connection, batch.gateways)
    await _store_security_events(connection, batch.security)
    if details:
        await _store_seconds(connection, batch.seconds, stream_ids)
        await _store_messages(connection, batch.messages)
        await _store_probes(connection, batch.gateways)
    await reject(connection, batch.rejected, now)
    await _advance(connection, batch.reached)


async def _store_calls(connection: AsyncConnection, calls: Mapping[str, Gathered]) -> dict[tuple[str, StreamKey], int]:
    """Folds what events say about calls onto the stored calls. Returns the ids of the streams that were told of."""
    if not calls:
        return {}
    stored = await queries.stored_calls(connection, calls)
    next_number = await _next(connection, tables.calls.c.number)
    next_stream = await _next(connection, tables.streams.c.stream_id)
    call_rows, stream_rows, ids = [], [], {}
    for call_id, gathered in calls.items():
        known = stored.get(call_id)
        call = fold_all(known.call if known else None, call_id, gathered)
        if known is None:
            number, next_number = next_number, next_number + 1
        else:
            number = known.number
        for key in gathered.streams:
            stream_id = known.stream_ids.get(key) if known else None
            if stream_id is None:
                stream_id, next_stream = next_stream, next_stream + 1
            ids[call_id, key] = stream_id
            if known is None or call.streams[key] is not known.call.streams.get(key):
                stream_rows.append(rows.stream_row(stream_id, number, call.streams[key]))
        call_rows.append(rows.call_row(number, call.signalling, directions_of(call.streams.values())))
    await bulk.upsert(connection, tables.calls, call_rows)
    await bulk.upsert(connection, tables.streams, stream_rows)
    return ids


async def _next(connection: AsyncConnection, column: Column[int]) -> int:
    """The first free number; writers take turns, so nobody else takes it."""
    return ((await connection.execute(select(func.max(column)))).scalar() or 0) + 1


async def _store_seconds(
    connection: AsyncConnection, seconds: SecondsOf, stream_ids: Mapping[tuple[str, StreamKey], int]
) -> None:
    """Rolls slices up into the rows that are stored."""
    parts: dict[tuple[int, int], list[Row]] = {}
    for key, singles in seconds.items():
        stream_id = stream_ids[key]
        for single in singles:
            parts.setdefault((stream_id, single.bucket), []).append(single)
    known = await queries.rolled_up(connection, parts)
    changed = []
    for (stream_id, bucket), singles in parts.items():
        before = known.get((stream_id, bucket))
        row = add(before, singles)
        if row is not before:
            changed.append(rows.slices_row(stream_id, row))
    await bulk.upsert(connection, tables.slices, changed)


async def _store_devices(connection: AsyncConnection, events: Sequence[DeviceEvent]) -> None:
    """Folds registration events onto the stored devices."""
    devices = await queries.devices_by_key(connection, {(event.aor, event.contact) for event in events})
    for event in events:
        key = event.aor, event.contact
        devices[key] = fold_device(devices.get(key), event)
    await bulk.upsert(connection, tables.registrations, [rows.device_row(device) for device in devices.values()])


async def _store_gateways(connection: AsyncConnection, events: Sequence[GatewayEvent]) -> None:
    """Folds the probes onto the stored gateways."""
    gateways = await queries.gateways_by_key(connection, {(event.aor, event.contact) for event in events})
    for event in events:
        key = event.aor, event.contact
        gateways[key] = fold_gateway(gateways.get(key), event)
    await bulk.upsert(connection, tables.gateways, [rows.gateway_row(gateway) for gateway in gateways.values()])


async def _store_probes(connection: AsyncConnection, events: Sequence[GatewayEvent]) -> None:
    """Keeps each probe, for the history of the round-trip time."""
    probes = {
        (event.aor, event.contact, event.at): (event.aor, event.contact, event.at, event.code, event.rtt_ms)
        for event in events
        if isinstance(event, GatewayProbed)
    }
    await bulk.add(connection, tables.gateway_probes, list(probes.values()))


async def _store_messages(connection: AsyncConnection, messages: Sequence[tuple[Delivery, SipMessageSeen]]) -> None:
    """Adds SIP messages to the ladder."""
    values = {(digest := event_id(each)): (digest, *_message_values(event)) for each, event in messages}
    await bulk.add(connection, tables.sip_messages, list(values.values()))


_message_values = attrgetter(*(column.name for column in tables.sip_messages.c if column.name != "event_id"))


async def _store_security_events(connection: AsyncConnection, events: Sequence[tuple[Delivery, Event]]) -> None:
    """Adds security events; what a type does not have stays null."""
    names = ("at", "type", "source", "transport", "method", "account", "call_id", "reason")
    values = {
        (digest := event_id(each)): (
            digest,
            *(getattr(event, name, None) for name in names),
            getattr(event, "count", 1),
            getattr(event, "until", None),
        )
        for each, event in events
    }
    await bulk.add(connection, tables.security_events, list(values.values()))


async def reject(connection: AsyncConnection, rejected: Sequence[tuple[Delivery, str]], now: float) -> None:
    """Keeps entries aside that cannot be stored, with the reason; only the newest stay."""
    if not rejected:
        return
    table = tables.rejected_entries
    values = {
        (each.stream, each.id): (
            each.stream,
            each.id,
            now,
            reason.replace("\0", "\\0")[:1000],
            json.dumps(dict(each.fields))[:REJECTED_TEXT_MAX],
        )
        for each, reason in rejected
    }
    await bulk.add(connection, table, list(values.values()))
    newest = select(table.c.rejected_at).order_by(table.c.rejected_at.desc()).limit(REJECTED_KEPT).subquery()
    await connection.execute(
        delete(table).where(table.c.rejected_at < select(func.min(newest.c.rejected_at)).scalar_subquery())
    )


async def _advance(connection: AsyncConnection, reached: Mapping[str, EntryOrder]) -> None:
    """Notes how far each stream is stored now."""
    stored = {stream: entry_order(entry_id) for stream, entry_id in (await queries.positions(connection)).items()}
    ahead = {stream: order for stream, order in reached.items() if order > stored.get(stream, (0, 0))}
    await bulk.upsert(
        connection, tables.positions, [(stream, f"{at_ms}-{count}") for stream, (at_ms, count) in ahead.items()]
    )


def event_id(delivery: Delivery) -> str:
    """The same for the same event, however often it was delivered or published."""
    text = f"{delivery.stream}\n{delivery.fields.get('data', '')}"
    return blake2b(text.encode(errors="surrogatepass"), digest_size=16).hexdigest()
