"""The audit log: what it shows, and what of it, of sessions and of the use of tokens is tidied once a minute."""

import asyncio
from collections.abc import Callable

import structlog

from api.access import Origin
from api.store import access
from api.store.access import AuditFilter, Entry
from api.store.database import Database, DatabaseUnavailable
from api.tokens import Tokens

log = structlog.get_logger(__name__)

INTERVAL_S = 60.0


class Audit:
    """Who did what, from where and when. Users, sessions and tokens write into it with each change of theirs."""

    def __init__(self, database: Database, tokens: Tokens, now: Callable[[], float]) -> None:
        self._database = database
        self._tokens = tokens
        self._now = now

    async def page(self, wanted: AuditFilter, limit: int, before: int | None = None) -> list[tuple[int, Entry]]:
        """Entries with their numbers, newest first, from below `before` on."""
        async with self._database.reading() as connection:
            return await access.list_audit(connection, wanted, limit, before)

    async def changed(self, by: Origin, what: str) -> None:
        """Writes down a change to any other part of the system."""
        async with self._database.writing() as connection:
            await access.record(connection, Entry.by(by, self._now(), "changed", what))

    async def run(self) -> None:
        """Tidies until cancelled."""
        while True:
            await asyncio.sleep(INTERVAL_S)
            try:
                await self.tidy()
            except DatabaseUnavailable as error:
                log.warning("sessions and audit log not tidied, trying again later", error=str(error))

    async def tidy(self) -> None:
        """Stores when tokens were used; takes away old sessions, and failed sign-ins beyond the newest."""
        await self._tokens.store_use()
        async with self._database.writing() as connection:
            await access.tidy(connection, self._now())
