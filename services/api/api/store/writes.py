"""What changes the database: batches of events, folded onto what is stored.

Every function works inside a transaction that `Database.writing` opened, and storing the same thing twice changes
nothing: calls, streams and devices are folds, rolled-up rows know their slices, the rest has the event's own digest
as its key.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Any

from sqlalchemy import Table, delete, func, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from api.devices import DeviceEvent, DeviceKey, fold_device
from api.fold import Call, Fact, StreamKey, fold
from api.quality import directions_of
from api.rollup import Row, add, bucket_of
from api.store import rows, tables
from api.store.queries import IN_A_QUERY, calls_by_id, in_parts
from shared.broker import Delivery
from shared.events import Event, SipMessageSeen, Slice

REJECTED_KEPT = 1000
REJECTED_TEXT_MAX = 65_536


async def store_facts(connection: AsyncConnection, facts: Iterable[tuple[str, Fact]]) -> None:
    """Folds what events say about calls onto the stored calls, and rolls their slices up."""
    facts = list(facts)
    stored = await calls_by_id(connection, {call_id for call_id, _ in facts})
    calls = dict(stored)
    for call_id, fact in facts:
        calls[call_id] = fold(calls.get(call_id), call_id, fact)
    await _save_calls(connection, calls, stored)
    parts = [fact for _, fact in facts if isinstance(fact, Slice)]
    if parts:
        await _store_slices(connection, parts)


async def store_devices(connection: AsyncConnection, events: Sequence[DeviceEvent]) -> None:
    """Folds registration events onto the stored devices."""
    if not events:
        return
    table = tables.registrations
    devices = {}
    for keys in in_parts({(event.aor, event.contact) for event in events}):
        query = select(table).where(tuple_(table.c.aor, table.c.contact).in_(keys))
        for row in (await connection.execute(query)).mappings():
            device = rows.device(row)
            devices[device.key] = device
    for event in events:
        key: DeviceKey = (event.aor, event.contact)
        devices[key] = fold_device(devices.get(key), event)
    await upsert(connection, table, [rows.device_row(device) for device in devices.values()])


async def store_messages(connection: AsyncConnection, deliveries: Sequence[Delivery]) -> None:
    """Adds SIP messages to the ladder."""
    events = [(each, each.event) for each in deliveries if isinstance(each.event, SipMessageSeen)]
    await _add(
        connection,
        tables.sip_messages,
        [{**event.model_dump(exclude={"type"}), "event_id": event_id(each)} for each, event in events],
    )


async def store_security_events(connection: AsyncConnection, deliveries: Sequence[tuple[Delivery, Event]]) -> None:
    """Adds security events; what a type does not have stays null."""
    names = ("type", "at", "source", "transport", "method", "account", "call_id", "reason")
    await _add(
        connection,
        tables.security_events,
        [
            {
                "event_id": event_id(each),
                "count": getattr(event, "count", 1),
                **{name: getattr(event, name, None) for name in names},
            }
            for each, event in deliveries
        ],
    )


async def reject(connection: AsyncConnection, rejected: Sequence[tuple[Delivery, str]], now: float) -> None:
    """Keeps entries aside that cannot be stored, with the reason; only the newest stay."""
    if not rejected:
        return
    table = tables.rejected_entries
    await _add(
        connection,
        table,
        [
            {
                "stream": each.stream,
                "entry_id": each.id,
                "rejected_at": now,
                "reason": reason[:1000],
                "fields": json.dumps(dict(each.fields))[:REJECTED_TEXT_MAX],
            }
            for each, reason in rejected
        ],
    )
    newest = select(table.c.rejected_at).order_by(table.c.rejected_at.desc()).limit(REJECTED_KEPT).subquery()
    await connection.execute(
        delete(table).where(table.c.rejected_at < select(func.min(newest.c.rejected_at)).scalar_subquery())
    )


async def advance(connection: AsyncConnection, deliveries: Iterable[Delivery]) -> None:
    """Notes how far each stream is stored now."""
    found = (await connection.execute(select(tables.positions))).all()
    reached = {stream: entry_order(entry_id) for stream, entry_id in found}
    ahead: dict[str, tuple[int, int]] = {}
    for each in deliveries:
        if (order := entry_order(each.id)) > max(reached.get(each.stream, (0, 0)), ahead.get(each.stream, (0, 0))):
            ahead[each.stream] = order
    await upsert(
        connection,
        tables.positions,
        [{"stream": stream, "entry_id": f"{at_ms}-{count}"} for stream, (at_ms, count) in ahead.items()],
    )


def entry_order(entry_id: str) -> tuple[int, int]:
    """Entry ids of a Redis stream in their order: milliseconds, then a count."""
    milliseconds, _, count = entry_id.partition("-")
    return int(milliseconds), int(count or 0)


def event_id(delivery: Delivery) -> str:
    """The same for the same event, however often it was delivered or published."""
    text = f"{delivery.stream}\n{delivery.fields.get('data', '')}"
    return blake2b(text.encode(errors="surrogatepass"), digest_size=16).hexdigest()


async def upsert(connection: AsyncConnection, table: Table, values: list[dict[str, Any]], *keys: str) -> None:
    """Writes rows, over those that have the same key (default: the primary key)."""
    if not values:
        return
    unique = keys or tuple(column.name for column in table.primary_key)
    insert = _insert(connection, table)
    changed = {name: insert.excluded[name] for name in values[0] if name not in unique}
    await connection.execute(insert.on_conflict_do_update(index_elements=unique, set_=changed), values)


async def _add(connection: AsyncConnection, table: Table, values: list[dict[str, Any]]) -> None:
    if values:
        await connection.execute(_insert(connection, table).on_conflict_do_nothing(), values)


def _insert(connection: AsyncConnection, table: Table) -> sqlite.Insert | postgresql.Insert:
    """Both databases can say what happens to a row that is there already, each in its own dialect."""
    return postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)


async def _save_calls(connection: AsyncConnection, calls: Mapping[str, Call], stored: Mapping[str, Call]) -> None:
    known = {id(stream) for call in stored.values() for stream in call.streams.values()}
    measured = {call_id: directions_of(call.streams.values()) for call_id, call in calls.items()}
    await upsert(connection, tables.calls, [rows.call_row(call, measured[call_id]) for call_id, call in calls.items()])
    await upsert(
        connection,
        tables.directions,
        [rows.direction_row(call_id, party, it) for call_id, found in measured.items() for party, it in found.items()],
    )
    await upsert(
        connection,
        tables.streams,
        [
            rows.stream_row(stream)
            for call in calls.values()
            for stream in call.streams.values()
            if id(stream) not in known  # the fold leaves alone what does not change
        ],
        *("call_id", "media_id", "direction", "ssrc"),
    )


async def _store_slices(connection: AsyncConnection, parts: Sequence[Slice]) -> None:
    ids = await _stream_ids(connection, {part.call_id for part in parts})
    known = await _rolled_up(connection, parts, set(ids.values()))
    changed: dict[tuple[int, int], Row] = {}
    for part in parts:
        stream_id = ids[part.call_id, (part.media_id, part.direction, part.ssrc)]
        key = stream_id, bucket_of(part)
        changed[key] = add(changed.get(key) or known.get(key), part)
    await upsert(
        connection, tables.slices, [rows.slices_row(stream_id, row) for (stream_id, _), row in changed.items()]
    )


async def _stream_ids(connection: AsyncConnection, call_ids: set[str]) -> dict[tuple[str, StreamKey], int]:
    table = tables.streams
    found: dict[tuple[str, StreamKey], int] = {}
    for keys in in_parts(call_ids):
        query = select(table.c.call_id, table.c.media_id, table.c.direction, table.c.ssrc, table.c.stream_id)
        for call_id, media_id, direction, ssrc, stream_id in await connection.execute(
            query.where(table.c.call_id.in_(keys))
        ):
            found[call_id, (media_id, direction, ssrc)] = stream_id
    return found


async def _rolled_up(
    connection: AsyncConnection, parts: Sequence[Slice], stream_ids: set[int]
) -> dict[tuple[int, int], Row]:
    """The stored rows that these slices may belong to."""
    table = tables.slices
    buckets = {bucket_of(part) for part in parts}
    found: dict[tuple[int, int], Row] = {}
    for keys in in_parts(stream_ids, IN_A_QUERY):
        query = select(table).where(
            table.c.stream_id.in_(keys), table.c.bucket >= min(buckets), table.c.bucket <= max(buckets)
        )
        for row in (await connection.execute(query)).mappings():
            found[row["stream_id"], row["bucket"]] = rows.five_seconds(row)
    return found
