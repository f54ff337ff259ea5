"""The schema that migrations make is the one the code means; a transaction is all or nothing."""

import sqlite3

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, insert, select

from api.store import access, tables
from api.store.database import Database


async def test_migrations_lead_to_the_tables_of_the_code(database):
    def difference(connection: Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection), access.users.metadata))

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


async def test_the_largest_table_has_no_hidden_key(database, tmp_path):
    with sqlite3.connect(tmp_path / "vqm.sqlite3") as connection:
        (sql,) = connection.execute("SELECT sql FROM sqlite_master WHERE name = 'slices'").fetchone()
    connection.close()

    assert "WITHOUT ROWID" in sql


async def test_a_database_survives_being_closed_and_opened(database, tmp_path):
    async with database.writing() as connection:
        await connection.execute(insert(tables.positions).values(stream="s", entry_id="1-0"))
    await database.close()

    again = Database.open(f"sqlite:///{tmp_path}/vqm.sqlite3")
    async with again.reading() as connection:
        assert len((await connection.execute(select(tables.positions))).all()) == 1
    await again.close()
