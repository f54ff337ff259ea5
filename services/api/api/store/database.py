"""The connection to the database: how it is opened, migrated, read and written."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Literal

import asyncpg
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, event, func, make_url, select
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

MIGRATIONS = Path(__file__).parent / "migrations"
BUSY_TIMEOUT_MS = 10_000
CONNECT_TIMEOUT_S = 10.0
COMMAND_TIMEOUT_S = 60.0
WRITER_LOCK = 0x76716D  # of this program; an arbitrary number
CACHE_KIB = 65_536  # of each SQLite connection: the upper levels of the indexes of a million calls
# Classes of SQLSTATE (PostgreSQL, Appendix A): data, constraints; connection, transaction, resources, operator, system.
_STATES_OF_VALUES = ("22", "23")
_STATES_OF_TIMES = ("08", "40", "53", "57", "58")
DISK_FULL = "53100"
_OF_VALUES = (OverflowError, ValueError, DataError, IntegrityError)  # ValueError: asyncpg's own DataError is one
_OF_TIMES = (OSError, OperationalError, InterfaceError, asyncpg.InterfaceError)
_WRITES = "vqm_writes"


class DatabaseUnavailable(Exception):
    """It cannot be reached, is locked, or its disk is full: the same may work later."""

    def __init__(self, reason: str, *, disk_full: bool = False) -> None:
        super().__init__(reason)
        self.disk_full = disk_full


class Unstorable(Exception):
    """A value that no column can hold, such as a number of more than 64 bits: whoever wrote it is at fault."""


class Database:
    """One database. Readers never wait for writers; writers wait for each other."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._writing = asyncio.Lock()

    @classmethod
    def open(cls, url: str) -> "Database":
        """`url`: `sqlite:///path` or `postgresql://user:password@host/name`. Connects on first use."""
        chosen = make_url(url)
        if chosen.get_backend_name() == "postgresql":
            return cls(
                create_async_engine(
                    chosen.set(drivername="postgresql+asyncpg"),
                    pool_pre_ping=True,
                    connect_args={"timeout": CONNECT_TIMEOUT_S, "command_timeout": COMMAND_TIMEOUT_S},
                )
            )
        engine = create_async_engine(chosen.set(drivername="sqlite+aiosqlite"))
        event.listen(engine.sync_engine, "connect", _configure_sqlite)
        event.listen(engine.sync_engine, "begin", _begin_sqlite)
        return cls(engine)

    @property
    def kind(self) -> Literal["sqlite", "postgresql"]:
        return "sqlite" if self._engine.dialect.name == "sqlite" else "postgresql"

    @property
    def path(self) -> Path | None:
        """Where SQLite keeps the file; None for a server."""
        return Path(self._engine.url.database or "") if self.kind == "sqlite" else None

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A connection that sees one consistent state.

        Raises:
            DatabaseUnavailable: try again later.
        """
        with _told_apart():
            async with self._engine.connect() as connection:
                if connection.dialect.name == "postgresql":
                    await connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
                yield connection

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """A transaction: all of it is stored when the block ends, or nothing when it raises.

        Raises:
            DatabaseUnavailable: nothing is stored; or, when the connection breaks at the end, perhaps all of it.
        """
        with _told_apart():
            async with self._writing, self._engine.connect() as connection:
                await connection.execution_options(**{_WRITES: True})
                async with connection.begin():
                    if connection.dialect.name == "postgresql":
                        # Folding reads first and writes later: the writers of all processes take turns.
                        await connection.execute(select(func.pg_advisory_xact_lock(WRITER_LOCK)))
                    yield connection

    async def migrate(self) -> None:
        """Brings the schema to the version of this code."""
        async with self.writing() as connection:
            await connection.run_sync(_upgrade)

    async def close(self) -> None:
        await self._engine.dispose()


@contextmanager
def _told_apart() -> Iterator[None]:
    """Says in one way what the drivers say in many: what may pass, what a value is to blame for, and bugs of ours."""
    try:
        yield
    except (DBAPIError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError, OverflowError, ValueError) as error:
        driver = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
        state = str(getattr(driver, "sqlstate", None) or "")
        told = f"{type(driver).__name__}: {driver}".splitlines()[0]
        if isinstance(error, _OF_VALUES) or state[:2] in _STATES_OF_VALUES:
            raise Unstorable(told) from error
        lost = isinstance(error, DBAPIError) and error.connection_invalidated
        if lost or isinstance(error, _OF_TIMES) or state[:2] in _STATES_OF_TIMES:
            full = state == DISK_FULL or "disk is full" in told
            raise DatabaseUnavailable(told, disk_full=full) from error
        raise


def _upgrade(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _configure_sqlite(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # the driver must not begin transactions by itself: _begin_sqlite does
    cursor = connection.cursor()
    cursor.execute("PRAGMA auto_vacuum=INCREMENTAL")  # of a new file: what is taken away can be given back to the disk
    cursor.execute("PRAGMA journal_mode=WAL")
    # In WAL mode a killed process loses nothing; a power cut loses the last moments, but never corrupts the file.
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    cursor.execute(f"PRAGMA cache_size=-{CACHE_KIB}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that reads first and writes later fails at once when another writer came in between
    # (https://sqlite.org/isolation.html), so writers take the lock at their beginning.
    writes = connection.get_execution_options().get(_WRITES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
