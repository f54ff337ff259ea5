"""Writing many rows at once, in the way that each database is fastest at.

A row is a tuple of all columns in the table's order. SQLite takes them by executemany on its driver; PostgreSQL by COPY
into a table of the connection's own, and from there in one statement (measured: several times the rate of inserts that
SQLAlchemy writes, on both).
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Dialect, Table, bindparam, column, select
from sqlalchemy import table as named_table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

Values = tuple[Any, ...]


async def upsert(connection: AsyncConnection, table: Table, rows: Sequence[Values]) -> None:
    """Writes rows, over those that have the same primary key."""
    await _write(connection, table, rows, replacing=True)


async def add(connection: AsyncConnection, table: Table, rows: Sequence[Values]) -> None:
    """Writes rows, except those that are there already."""
    await _write(connection, table, rows, replacing=False)


async def _write(connection: AsyncConnection, table: Table, rows: Sequence[Values], *, replacing: bool) -> None:
    if not rows:
        return
    if connection.dialect.name == "sqlite":
        await connection.exec_driver_sql(_insert(connection.dialect, table, replacing), list(rows))
        return
    await connection.exec_driver_sql(
        f'CREATE TEMP TABLE IF NOT EXISTS "{_stage(table)}" (LIKE "{table.name}") ON COMMIT DELETE ROWS'
    )
    driver = (await connection.get_raw_connection()).driver_connection
    assert driver is not None  # noqa: S101  # it has just done something
    await driver.copy_records_to_table(_stage(table), records=rows, columns=_names(table))
    await connection.exec_driver_sql(_insert_staged(connection.dialect, table, replacing))


def _stage(table: Table) -> str:
    return f"new_{table.name}"


def _names(table: Table) -> tuple[str, ...]:
    return tuple(each.name for each in table.c)


@lru_cache(maxsize=64)
def _insert(dialect: Dialect, table: Table, replacing: bool) -> str:
    insert = sqlite.insert(table).values({name: bindparam(name) for name in _names(table)})
    return str(_resolved(insert, table, replacing).compile(dialect=dialect))


@lru_cache(maxsize=64)
def _insert_staged(dialect: Dialect, table: Table, replacing: bool) -> str:
    names = _names(table)
    stage = named_table(_stage(table), *(column(name) for name in names))
    insert = postgresql.insert(table).from_select(list(names), select(*(stage.c[name] for name in names)))
    return str(_resolved(insert, table, replacing).compile(dialect=dialect))


def _resolved(
    insert: sqlite.Insert | postgresql.Insert, table: Table, replacing: bool
) -> sqlite.Insert | postgresql.Insert:
    """What happens to a row that is there already."""
    if not replacing:
        return insert.on_conflict_do_nothing()
    keys = [each.name for each in table.primary_key]
    changed = {name: insert.excluded[name] for name in _names(table) if name not in keys}
    return insert.on_conflict_do_update(index_elements=keys, set_=changed)
