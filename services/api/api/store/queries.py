"""What is read from the database."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeVar

from sqlalchemy import RowMapping, Select, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from api.devices import Device
from api.fold import Call, MeasuredStream, Signalling, StreamKey
from api.quality import Direction
from api.rollup import Row
from api.store import rows, tables
from shared.events import Party

IN_A_QUERY = 500  # SQLite takes 32 766 parameters; more than some hundred keys at once gains nothing
Key = TypeVar("Key")


@dataclass(frozen=True, slots=True)
class CallSummary:
    """A call with its directions: a row of the list."""

    signalling: Signalling
    directions: dict[Party, Direction]


@dataclass(frozen=True, slots=True)
class CallFilter:
    """What a list of calls is narrowed down to. None: not by this."""

    live: bool | None = None
    text: str | None = None
    since: float | None = None
    until: float | None = None
    mos_below: float | None = None
    codec: str | None = None


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


async def calls_by_id(connection: AsyncConnection, call_ids: Collection[str]) -> dict[str, Call]:
    """Those of the calls that are stored, with their streams."""
    found: dict[str, Call] = {}
    for keys in in_parts(call_ids):
        streams: dict[str, dict[StreamKey, MeasuredStream]] = {}
        for row in (
            await connection.execute(select(tables.streams).where(tables.streams.c.call_id.in_(keys)))
        ).mappings():
            measured = rows.stream(row)
            streams.setdefault(measured.call_id, {})[measured.key] = measured
        for row in (await connection.execute(select(tables.calls).where(tables.calls.c.call_id.in_(keys)))).mappings():
            found[row["call_id"]] = Call(rows.signalling(row), streams.get(row["call_id"], {}))
    return found


async def list_calls(
    connection: AsyncConnection, wanted: CallFilter, limit: int, after: tuple[float, str] | None = None
) -> list[CallSummary]:
    """Calls, newest first, from the one after `after` (started_at, call_id) on."""
    table = tables.calls
    query = _narrowed(select(table), wanted).order_by(table.c.started_at.desc(), table.c.call_id.desc()).limit(limit)
    if after is not None:
        query = query.where(tuple_(table.c.started_at, table.c.call_id) < after)
    found = [rows.signalling(row) for row in (await connection.execute(query)).mappings()]
    directions = await _directions(connection, [call.call_id for call in found])
    return [CallSummary(call, directions.get(call.call_id, {})) for call in found]


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
    streams, slices = tables.streams, tables.slices
    query = (
        select(slices, streams.c.direction, streams.c.ssrc)
        .join(streams, streams.c.stream_id == slices.c.stream_id)
        .where(streams.c.call_id == call_id)
        .order_by(slices.c.bucket)
    )
    found: dict[int, StreamRows] = {}
    for row in (await connection.execute(query)).mappings():
        stream = found.setdefault(row["stream_id"], StreamRows(row["direction"], row["ssrc"]))
        stream.rows.append(rows.five_seconds(row))
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
    return [rows.device(row) for row in (await connection.execute(query)).mappings()]


async def security_events(connection: AsyncConnection, limit: int) -> list[RowMapping]:
    """Security events, newest first."""
    table = tables.security_events
    shown = select(*(column for column in table.c if column.name != "event_id"))
    query = shown.order_by(table.c.at.desc(), table.c.event_id).limit(limit)
    return list((await connection.execute(query)).mappings())


async def positions(connection: AsyncConnection) -> dict[str, str]:
    """The last stored entry of each stream."""
    return {stream: entry_id for stream, entry_id in await connection.execute(select(tables.positions))}


def _narrowed(query: Select[tuple[object, ...]], wanted: CallFilter) -> Select[tuple[object, ...]]:
    column = tables.calls.c
    if wanted.live is not None:
        query = query.where(column.live.is_(wanted.live))
    if wanted.text:
        query = query.where(
            or_(
                *(
                    each.icontains(wanted.text, autoescape=True)
                    for each in (column.caller, column.callee, column.call_id)
                )
            )
        )
    if wanted.since is not None:
        query = query.where(column.started_at >= wanted.since)
    if wanted.until is not None:
        query = query.where(column.started_at < wanted.until)
    if wanted.mos_below is not None:
        query = query.where(column.mos < wanted.mos_below)
    if wanted.codec is not None:
        query = query.where(column.codec == wanted.codec)
    return query


async def _directions(connection: AsyncConnection, call_ids: Collection[str]) -> dict[str, dict[Party, Direction]]:
    table = tables.directions
    found: dict[str, dict[Party, Direction]] = {}
    for keys in in_parts(call_ids):
        for row in (await connection.execute(select(table).where(table.c.call_id.in_(keys)))).mappings():
            found.setdefault(row["call_id"], {})[row["direction"]] = rows.direction(row)
    return found
