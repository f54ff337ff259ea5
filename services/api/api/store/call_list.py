"""The list of calls: narrowed down, in any order, a page at a time, each page found through an index."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, String, func, literal_column, or_, select, text, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from api.fold import Signalling
from api.quality import Direction
from api.store import rows, tables
from api.store.database import Database
from shared.events import Party

TRIGRAM = 3  # characters: what the index of the texts needs at least
RARE = 5_000  # calls with a text that are sorted; of more, a page is soon found by looking at one after the other
EXPORT_PAGE = 500
# What PostgreSQL's index of the texts is of, to the letter (migrations).
_TEXTS: ColumnElement[str] = literal_column(
    "(coalesce(calls.caller, '') || chr(10) || coalesce(calls.callee, '') || chr(10) || calls.call_id)", String
)

_TABLE = tables.calls
_LISTED = (*(_TABLE.c[name] for name in rows.SIGNALLING), _TABLE.c.directions, _TABLE.c.number)


_NULLABLE = {name for name in tables.CALL_ORDERS if _TABLE.c[name].nullable}


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
    gateway: str | None = None  # an address of record: caller or callee


@dataclass(frozen=True, slots=True)
class Order:
    """By which column of tables.CALL_ORDERS. Calls that have no value there come last either way."""

    by: str = "started_at"
    descending: bool = True


@dataclass(frozen=True, slots=True)
class Position:
    """A place in the list: the value that it is ordered by, and the call's number."""

    value: Any
    number: int


@dataclass(frozen=True, slots=True)
class Page:
    """Some calls, and the place after which the next ones are found; None: there are none."""

    items: list[CallSummary]
    end: Position | None


NEWEST_FIRST = Order()


async def list_calls(
    connection: AsyncConnection,
    wanted: CallFilter,
    limit: int,
    order: Order = NEWEST_FIRST,
    after: Position | None = None,
) -> Page:
    """At most `limit` calls from the one after `after` on."""
    query = await _narrowed(connection, select(*_LISTED, _TABLE.c[order.by]), wanted, order)
    found: list[Any] = []
    if after is None or after.value is not None:
        found += await connection.execute(_known(query, order, after).limit(limit + 1))
    if len(found) <= limit and order.by in _NULLABLE:
        within = after if after is not None and after.value is None else None
        found += await connection.execute(_unknown(query, order, within).limit(limit + 1 - len(found)))
    items = [CallSummary(rows.signalling(values[:-3]), rows.directions(values[-3])) for values in found[:limit]]
    if len(found) <= limit:
        return Page(items, None)
    *_, number, value = found[limit - 1]
    return Page(items, Position(value, number))


async def all_calls(database: Database, wanted: CallFilter, order: Order) -> AsyncIterator[list[CallSummary]]:
    """The whole list in parts, each read by itself: nobody waits for a reader that takes minutes."""
    after: Position | None = None
    while True:
        async with database.reading() as connection:
            page = await list_calls(connection, wanted, EXPORT_PAGE, order, after)
        yield page.items
        if page.end is None:
            return
        after = page.end


# An index has the calls without a value at one end or the other, as each database likes: the two parts are asked for
# one after the other.


def _known(query: Select[Any], order: Order, after: Position | None) -> Select[Any]:
    """Calls that have a value in the column, in its order."""
    column, number = _TABLE.c[order.by], _TABLE.c.number
    if order.by in _NULLABLE:
        query = query.where(column.is_not(None))
    if after is not None:
        here = tuple_(column, number)
        there = (after.value, after.number)
        query = query.where(here < there if order.descending else here > there)
    return query.order_by(*(key.desc() if order.descending else key for key in (column, number)))


def _unknown(query: Select[Any], order: Order, after: Position | None) -> Select[Any]:
    """Calls that have none, in the order of their numbers."""
    number = _TABLE.c.number
    query = query.where(_TABLE.c[order.by].is_(None))
    if after is not None:
        query = query.where(number < after.number if order.descending else number > after.number)
    return query.order_by(number.desc() if order.descending else number)


async def _narrowed(connection: AsyncConnection, query: Select[Any], wanted: CallFilter, order: Order) -> Select[Any]:
    column = _TABLE.c
    by_time = order.by == "started_at"
    if wanted.live is not None:
        query = query.where(column.live if wanted.live else _walked(column.live, by_time).is_(False))
    if wanted.text:
        query = query.where(await _has_text(connection, wanted.text))
    if wanted.since is not None:
        query = query.where(column.started_at >= wanted.since)
    if wanted.until is not None:
        query = query.where(column.started_at < wanted.until)
    if wanted.mos_below is not None:
        query = query.where(_walked(column.mos, order.by == "mos") < wanted.mos_below)
    if wanted.codec is not None:
        query = query.where(_walked(column.codec, by_time) == wanted.codec)
    if wanted.gateway is not None:
        query = query.where(or_(column.caller == wanted.gateway, column.callee == wanted.gateway))
    return query


def _walked(column: ColumnElement[Any], through_index: bool) -> ColumnElement[Any]:
    """A column of which most calls may have the value that is asked for: its own index would lead to sorting them all,
    while that of the order soon finds a page."""
    return column if through_index else func.coalesce(column, None)


async def _has_text(connection: AsyncConnection, wanted: str) -> ColumnElement[bool]:
    """Part of the caller, the callee or the Call-ID; capital or small letters are the same."""
    pattern = "%" + re.sub(r"[%_/]", r"/\g<0>", wanted) + "%"
    if connection.dialect.name == "postgresql":
        return _TEXTS.ilike(pattern, escape="/")  # it knows by its statistics when its index is worth while
    columns = _TABLE.c.caller, _TABLE.c.callee, _TABLE.c.call_id
    looked_at = or_(*(column.ilike(pattern, escape="/") for column in columns))
    if len(wanted) < TRIGRAM:
        return looked_at
    phrase = '"' + wanted.replace('"', '""') + '"'
    many = text("SELECT 1 FROM calls_text WHERE calls_text MATCH :phrase LIMIT 1 OFFSET :rare")
    if (await connection.execute(many, {"phrase": phrase, "rare": RARE})).first() is not None:
        return looked_at
    found = text("calls.number IN (SELECT rowid FROM calls_text WHERE calls_text MATCH :phrase)")
    return found.bindparams(phrase=phrase)  # type: ignore[return-value]  # SQL as text has no type of its own
