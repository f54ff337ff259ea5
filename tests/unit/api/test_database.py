"""The schema that migrations make is the one the code means; a transaction is all or nothing."""

import asyncio
import sqlite3

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, insert, select

from api.store import access, bulk, rows, tables
from api.store.database import Database, DatabaseUnavailable, Unstorable


async def test_migrations_lead_to_the_tables_of_the_code(database):
    def is_ours(_: object, name: str | None, *__: object) -> bool:
        return "calls_text" not in (name or "")  # the index of texts, of a kind that only the migrations know

    def difference(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"include_object": is_ours})
        return list(compare_metadata(context, access.users.metadata))

    async with database.reading() as connection:
        assert await connection.run_sync(difference) == []


async def test_a_second_start_migrates_nothing(database):
    await database.migrate()


async def test_a_failed_transaction_stores_nothing(database):
    with pytest.raises(KeyError):
        async with database.writing() as connection:
            await connection.execute(insert(tables.positions).values(stream="s", entry_id="1-0"))
            raise KeyError

    async with database.reading() as connection:
        assert (await connection.execute(select(tables.positions))).all() == []


async def test_a_reader_sees_one_state_while_somebody_writes(database):
    async with database.reading() as reader:
        before = (await reader.execute(select(tables.positions))).all()
        async with database.writing() as connection:
            await connection.execute(insert(tables.positions).values(stream="s", entry_id="1-0"))

        assert (await reader.execute(select(tables.positions))).all() == before


async def test_the_largest_table_has_no_hidden_key(tmp_path):
    database = Database.open(f"sqlite:///{tmp_path}/vqm.sqlite3")
    await database.migrate()
    await database.close()

    with sqlite3.connect(tmp_path / "vqm.sqlite3") as connection:
        (sql,) = connection.execute("SELECT sql FROM sqlite_master WHERE name = 'slices'").fetchone()
    connection.close()

    assert "WITHOUT ROWID" in sql


async def test_a_database_survives_being_closed_and_opened(database, database_url):
    async with database.writing() as connection:
        await connection.execute(insert(tables.positions).values(stream="s", entry_id="1-0"))
    await database.close()

    again = Database.open(database_url)
    async with again.reading() as connection:
        assert len((await connection.execute(select(tables.positions))).all()) == 1
    await again.close()


@pytest.mark.parametrize(
    ("table", "names"),
    [
        (tables.calls, ("number", *rows.SIGNALLING)),
        (tables.slices, ("stream_id", *rows.ROW)),
        (tables.registrations, rows.DEVICE),
        (tables.gateways, rows.GATEWAY),
    ],
)
def test_columns_and_fields_have_the_same_names_in_the_same_order(table, names):
    assert tuple(column.name for column in table.c)[: len(names)] == names


async def test_writers_of_several_processes_take_turns(database, database_url):
    other = Database.open(database_url)
    order: list[str] = []

    async def write_second() -> None:
        async with other.writing() as connection:
            order.append("second")
            await connection.execute(insert(tables.positions).values(stream="b", entry_id="1-0"))

    async with database.writing() as connection:
        second = asyncio.ensure_future(write_second())
        await connection.execute(insert(tables.positions).values(stream="a", entry_id="1-0"))
        order.append("first")
    await second
    await other.close()

    assert order == ["first", "second"]


async def test_a_value_that_no_column_holds_is_told_from_a_database_that_is_away(database, tmp_path):
    with pytest.raises(Unstorable):
        async with database.writing() as connection:
            await bulk.upsert(
                connection, tables.security_events, [("id", 1.0, "T", "s", "udp", *[None] * 4, 2**70, None)]
            )
    away = Database.open(f"sqlite:///{tmp_path}/no-such-folder/vqm.sqlite3")
    nowhere = Database.open(f"postgresql://vqm@/vqm?host={tmp_path}")

    for database in (away, nowhere):
        with pytest.raises(DatabaseUnavailable):
            async with database.reading():
                pass
        await database.close()
