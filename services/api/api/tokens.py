"""API tokens: for programs, with what they may do and until when."""

import secrets
from collections.abc import Callable, Collection
from dataclasses import replace

from api.access import Caller, Origin, Scope
from api.auth import digest
from api.problems import Conflict
from api.store import access
from api.store.access import Entry, Token
from api.store.database import Database

PREFIX = "vqm_"  # by which scanners find a secret that was left somewhere
HINT = len(PREFIX) + 4


class Tokens:
    """All tokens. When they were last used is stored by `store_use`, not by each request."""

    def __init__(self, database: Database, now: Callable[[], float]) -> None:
        self._database = database
        self._now = now
        self._used: dict[str, float] = {}  # by id, not stored yet: as many as there are tokens

    async def all(self) -> list[Token]:
        """Newest first."""
        async with self._database.reading() as connection:
            stored = await access.list_tokens(connection)
        return [replace(each, last_used_at=self._used.get(each.token_id, each.last_used_at)) for each in stored]

    async def create(
        self, name: str, scopes: Collection[Scope], expires_at: float | None, by: Origin
    ) -> tuple[str, Token]:
        """The secret, which cannot be had again, and the token, which stands for its maker.

        Raises:
            Conflict: there is a token of this name.
        """
        assert by.username is not None  # noqa: S101  # strangers do not come this far
        secret = PREFIX + secrets.token_urlsafe(32)
        ordered = tuple(sorted(set(scopes)))
        token = Token(
            secrets.token_hex(8), name, secret[:HINT], by.username, ordered, self._now(), expires_at, last_used_at=None
        )
        async with self._database.writing() as connection:
            if await access.token_named(connection, name):
                raise Conflict("there is a token of this name already")
            await access.add_token(connection, token, digest(secret))
            told = Entry.by(by, self._now(), "token_created", name, f"scopes={','.join(ordered)}")
            await access.record(connection, told)
        return secret, token

    async def revoke(self, token_id: str, by: Origin) -> bool:
        """Whether there was such a token; it is good for nothing any more."""
        async with self._database.writing() as connection:
            name = await access.drop_token(connection, token_id)
            if name is not None:
                await access.record(connection, Entry.by(by, self._now(), "token_revoked", name))
        return name is not None

    async def caller_of(self, secret: str) -> Caller | None:
        """Whom this token stands for; None: nobody, or no longer."""
        now = self._now()
        async with self._database.reading() as connection:
            found = await access.token_of(connection, digest(secret), now)
        if found is None:
            return None
        token, role = found
        self._used[token.token_id] = now
        return Caller.of_token(token.username, role, token.name, token.scopes)

    async def store_use(self) -> None:
        """Stores when each was last used."""
        used = self._used.copy()
        if used:
            async with self._database.writing() as connection:
                await access.tokens_used(connection, used)
            self._used = {token_id: at for token_id, at in self._used.items() if used.get(token_id) != at}
