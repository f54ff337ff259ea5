"""What is read from the database."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeVar

from sqlalchemy import RowMapping, func, select, text, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from api.devices import Device, DeviceKey
from api.fold import Call, MeasuredStream, Signalling, StreamKey
from api.gateways import Gateway, GatewayKey
from api.rollup import Row
from api.store import rows, tables
from shared.events import Party

IN_A_QUERY = 500  # SQLite takes 32 766 parameters; more than some hundred keys at once gains nothing
Key = TypeVar("Key")


@dataclass(frozen=True, slots=True)
class StreamRows:
    """What is kept of a stream's course."""

    direction: Party
    ssrc: int
    rows: list[Row] = field(default_factory=list)


def in_parts(keys: Collection[Key], size: int = IN_A_QUERY) -> Iterator[list[Key]]:
    """The keys in lists that fit into one query."""
    waiting = iter(keys)
    while part := list(islice(waiting, size)):
        yield part


@dataclass(frozen=True, slots=True)
class StoredCall:
    """A call with the numbers of its rows."""

    number: int
    call: Call
    stream_ids: dict[StreamKey, int]


async def stored_calls(connection: AsyncConnection, call_ids: Collection[str]) -> dict[str, StoredCall]:
    """Those of the calls that are stored, with their streams."""
    calls, streams = tables.calls, tables.streams
    found: dict[int, tuple[Signalling, dict[StreamKey, MeasuredStream], dict[StreamKey, int]]] = {}
    signalling = select(calls.c.number, *(calls.c[name] for name in rows.SIGNALLING))
    for keys in in_parts(call_ids):
        for number, *values in await connection.execute(signalling.where(calls.c.call_id.in_(keys))):
            found[number] = rows.signalling(values), {}, {}
    for numbers in in_parts(found):
        for stream_id, number, media_id, party, ssrc, *values in await connection.execute(
            select(streams).where(streams.c.call.in_(numbers))
        ):
            key = media_id, party, ssrc
            found[number][1][key] = rows.stream(values)
            found[number][2][key] = stream_id
    return {
        call.call_id: StoredCall(number, Call(call, measured), ids) for number, (call, measured, ids) in found.items()
    }


async def calls_by_id(connection: AsyncConnection, call_ids: Collection[str]) -> dict[str, Call]:
    """Those of the calls that are stored, with their streams."""
    return {call_id: stored.call for call_id, stored in (await stored_calls(connection, call_ids)).items()}


async def rolled_up(connection: AsyncConnection, keys: Collection[tuple[int, int]]) -> dict[tuple[int, int], Row]:
    """The stored rows that have these keys (stream, bucket), perhaps with neighbours."""
    table = tables.slices
    found: dict[tuple[int, int], Row] = {}
    if not keys:
        return found
    buckets = [bucket for _, bucket in keys]
    within = table.c.bucket.between(min(buckets), max(buckets))
    wanted = select(table.c.stream_id, *(table.c[name] for name in rows.ROW)).where(within)
    for stream_ids in in_parts({stream_id for stream_id, _ in keys}):
        for stream_id, *values in await connection.execute(wanted.where(table.c.stream_id.in_(stream_ids))):
            row = rows.rolled_up(values)
            found[stream_id, row.bucket] = row
    return found


async def devices_by_key(connection: AsyncConnection, keys: Collection[DeviceKey]) -> dict[DeviceKey, Device]:
    """Those of the devices that are stored."""
    table = tables.registrations
    found = {}
    for part in in_parts(keys):
        for values in await connection.execute(select(table).where(tuple_(table.c.aor, table.c.contact).in_(part))):
            device = Device(*values)
            found[device.key] = device
    return found


async def gateways_by_key(connection: AsyncConnection, keys: Collection[GatewayKey]) -> dict[GatewayKey, Gateway]:
    """Those of the gateways that are stored."""
    table = tables.gateways
    found = {}
    for part in in_parts(keys):
        for values in await connection.execute(select(table).where(tuple_(table.c.aor, table.c.contact).in_(part))):
            gateway = Gateway(*values)
            found[gateway.key] = gateway
    return found


async def recent_calls(connection: AsyncConnection, since: float, live_since: float, limit: int) -> dict[str, Call]:
    """The live calls that were heard of since `live_since`, and the newest of those that ended since `since`."""
    table = tables.calls
    live = await connection.execute(select(table.c.call_id).where(table.c.live, table.c.last_seen_at >= live_since))
    ended = await connection.execute(
        select(table.c.call_id)
        .where(table.c.started_at >= live_since, table.c.last_end_at >= since)
        .order_by(table.c.started_at.desc())
        .limit(limit)
    )
    return await calls_by_id(connection, {*live.scalars(), *ended.scalars()})


async def course(connection: AsyncConnection, call_id: str) -> list[StreamRows]:
    """The rolled-up rows of each stream of a call, in the order of time."""
    calls, streams, slices = tables.calls, tables.streams, tables.slices
    query = (
        select(streams.c.stream_id, streams.c.direction, streams.c.ssrc, *(slices.c[name] for name in rows.ROW))
        .join(streams, streams.c.stream_id == slices.c.stream_id)
        .join(calls, calls.c.number == streams.c.call)
        .where(calls.c.call_id == call_id)
        .order_by(slices.c.bucket)
    )
    found: dict[int, StreamRows] = {}
    for stream_id, party, ssrc, *values in await connection.execute(query):
        stream = found.setdefault(stream_id, StreamRows(party, ssrc))
        stream.rows.append(rows.rolled_up(values))
    return list(found.values())


async def has_call(connection: AsyncConnection, call_id: str) -> bool:
    query = select(tables.calls.c.call_id).where(tables.calls.c.call_id == call_id)
    return (await connection.execute(query)).first() is not None


async def messages(connection: AsyncConnection, call_id: str, limit: int) -> list[RowMapping]:
    """The SIP messages of a call (or registration) in the order of time."""
    table = tables.sip_messages
    shown = select(*(column for column in table.c if column.name not in ("event_id", "call_id")))
    query = shown.where(table.c.call_id == call_id).order_by(table.c.at, table.c.event_id).limit(limit)
    return list((await connection.execute(query)).mappings())


async def devices(connection: AsyncConnection, limit: int) -> list[Device]:
    """Registered devices and those that were, the most recently heard of first."""
    table = tables.registrations
    query = select(table).order_by(table.c.seen_at.desc(), table.c.aor, table.c.contact).limit(limit)
    return [Device(*values) for values in await connection.execute(query)]


async def gateways(connection: AsyncConnection, limit: int) -> list[Gateway]:
    """Probed contacts, the most recently heard of first."""
    table = tables.gateways
    query = select(table).order_by(table.c.seen_at.desc(), table.c.aor, table.c.contact).limit(limit)
    return [Gateway(*values) for values in await connection.execute(query)]


async def probes(
    connection: AsyncConnection, key: GatewayKey, since: float, limit: int
) -> list[tuple[float, int | None, float | None]]:
    """The probes of a contact since a moment, newest first: when, answer, round-trip time in ms."""
    table = tables.gateway_probes
    of_it = (table.c.aor == key[0], table.c.contact == key[1], table.c.at >= since)
    query = select(table.c.at, table.c.code, table.c.rtt_ms).where(*of_it).order_by(table.c.at.desc()).limit(limit)
    return [(at, code, rtt_ms) for at, code, rtt_ms in await connection.execute(query)]


async def security_events(connection: AsyncConnection, limit: int) -> list[RowMapping]:
    """Security events, newest first."""
    table = tables.security_events
    shown = select(*(column for column in table.c if column.name != "event_id"))
    query = shown.order_by(table.c.at.desc(), table.c.event_id).limit(limit)
    return list((await connection.execute(query)).mappings())


async def positions(connection: AsyncConnection) -> dict[str, str]:
    """The last stored entry of each stream."""
    return {stream: entry_id for stream, entry_id in await connection.execute(select(tables.positions))}


async def size_bytes(connection: AsyncConnection) -> int:
    """What the database takes on its disk."""
    if connection.dialect.name == "postgresql":
        query = select(func.pg_database_size(func.current_database()))
        size: int = (await connection.execute(query)).scalar_one()
        return size
    pages: int = (await connection.execute(text("PRAGMA page_count"))).scalar_one()
    page_size: int = (await connection.execute(text("PRAGMA page_size"))).scalar_one()
    return pages * page_size
