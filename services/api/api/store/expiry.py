"""Takes away what is kept no longer, and makes rows of minutes of the rows of five seconds. A step is one short
transaction: who stores calls meanwhile waits for one step at most."""

from collections.abc import Awaitable, Callable

from sqlalchemy import Column, Table, delete, select, text, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from api.rollup import MINUTE_ROWS, ROW_S, Row, minutes
from api.store import access, bulk, rows, tables

STEP_CALLS = 100
STEP_STREAMS = 100
STEP_ROWS = 2000
STEP_PAGES = 1000  # of 4 KiB

Step = Callable[[AsyncConnection, float], Awaitable[int]]  # (connection, epoch seconds before which) -> rows done


async def drop_calls(connection: AsyncConnection, before: float) -> int:
    """Calls that were last heard of before, with all that belongs to them."""
    calls, streams, slices, messages = tables.calls, tables.streams, tables.slices, tables.sip_messages
    oldest = (
        select(calls.c.number, calls.c.call_id)
        .where(calls.c.started_at < before, calls.c.last_seen_at < before)
        .order_by(calls.c.started_at)
        .limit(STEP_CALLS)
    )
    found = (await connection.execute(oldest)).all()
    if not found:
        return 0
    numbers, call_ids = [number for number, _ in found], [call_id for _, call_id in found]
    of_calls = select(streams.c.stream_id).where(streams.c.call.in_(numbers))
    await connection.execute(delete(slices).where(slices.c.stream_id.in_(of_calls)))
    await connection.execute(delete(streams).where(streams.c.call.in_(numbers)))
    await connection.execute(delete(messages).where(messages.c.call_id.in_(call_ids)))
    await connection.execute(delete(calls).where(calls.c.number.in_(numbers)))
    return len(found)


async def roll_up(connection: AsyncConnection, before: float) -> int:
    """Streams that began before: a row a minute from now on."""
    stream_ids = await _streams_of(connection, ROW_S, before)
    if not stream_ids:
        return 0
    slices = tables.slices
    parts: dict[int, list[Row]] = {}
    kept = select(slices.c.stream_id, *(slices.c[name] for name in rows.ROW)).where(slices.c.stream_id.in_(stream_ids))
    for stream_id, *values in await connection.execute(kept):
        parts.setdefault(stream_id, []).append(rows.rolled_up(values))
    await _drop_courses(connection, stream_ids, MINUTE_ROWS * ROW_S)
    whole = [rows.slices_row(stream_id, row) for stream_id, members in parts.items() for row in minutes(members)]
    await bulk.upsert(connection, slices, whole)
    return len(stream_ids)


async def drop_minutes(connection: AsyncConnection, before: float) -> int:
    """Courses of streams that began before; their final figures stay with the call."""
    stream_ids = await _streams_of(connection, MINUTE_ROWS * ROW_S, before)
    if stream_ids:
        await _drop_courses(connection, stream_ids, 0)
    return len(stream_ids)


async def drop_messages(connection: AsyncConnection, before: float) -> int:
    """SIP messages."""
    return await _drop(connection, tables.sip_messages, tables.sip_messages.c.at, before)


async def drop_security_events(connection: AsyncConnection, before: float) -> int:
    """Security events."""
    return await _drop(connection, tables.security_events, tables.security_events.c.at, before)


async def drop_audit(connection: AsyncConnection, before: float) -> int:
    """The audit log."""
    return await _drop(connection, access.audit, access.audit.c.at, before)


async def drop_probes(connection: AsyncConnection, before: float) -> int:
    """Single probes of gateways; what they say of the gateway now stays."""
    return await _drop(connection, tables.gateway_probes, tables.gateway_probes.c.at, before)


async def drop_devices(connection: AsyncConnection, before: float) -> int:
    """Devices and gateways that were last heard of before."""
    devices, gateways = tables.registrations, tables.gateways
    dropped = await _drop(connection, devices, devices.c.seen_at, before)
    return dropped + await _drop(connection, gateways, gateways.c.seen_at, before)


async def drop_captures(connection: AsyncConnection, before: float) -> int:
    """Uploaded captures and their reports."""
    return await _drop(connection, tables.captures, tables.captures.c.uploaded_at, before)


async def give_back(connection: AsyncConnection) -> int:
    """Gives free pages of an SQLite file back to the disk; returns how many."""
    if connection.dialect.name != "sqlite":
        return 0  # PostgreSQL vacuums by itself
    driver = (await connection.get_raw_connection()).driver_connection
    assert driver is not None  # noqa: S101  # it has just begun a transaction
    free: int = (await connection.execute(text("PRAGMA freelist_count"))).scalar_one()
    await driver.execute_fetchall(f"PRAGMA incremental_vacuum({STEP_PAGES})")  # each step of it frees one page
    left: int = (await connection.execute(text("PRAGMA freelist_count"))).scalar_one()
    return free - left


async def _streams_of(connection: AsyncConnection, row_s: int, before: float) -> list[int]:
    table = tables.streams
    query = select(table.c.stream_id).where(table.c.row_s == row_s, table.c.started_at < before).limit(STEP_STREAMS)
    return list((await connection.execute(query)).scalars())


async def _drop_courses(connection: AsyncConnection, stream_ids: list[int], row_s: int) -> None:
    streams, slices = tables.streams, tables.slices
    await connection.execute(delete(slices).where(slices.c.stream_id.in_(stream_ids)))
    await connection.execute(update(streams).where(streams.c.stream_id.in_(stream_ids)).values(row_s=row_s))


async def _drop(connection: AsyncConnection, table: Table, at: Column[float], before: float) -> int:
    keys = list(table.primary_key)
    oldest = select(*keys).where(at < before).order_by(at).limit(STEP_ROWS)
    return (await connection.execute(delete(table).where(tuple_(*keys).in_(oldest)))).rowcount
