"""Who may come in: passwords (argon2), sessions, and the first administrator."""

import asyncio
import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import structlog
from pwdlib import PasswordHash
from pwdlib.hashers import HasherProtocol
from sqlalchemy import delete, select

from api.access import Role
from api.store import bulk, tables
from api.store.database import Database

log = structlog.get_logger(__name__)

ADMIN = "admin"
FIRST_PASSWORD_FILE = "first-admin-password"  # noqa: S105  # a file's name, not what is in it
SESSION_S = 7 * 86_400.0
HASHES_AT_ONCE = 2  # each takes a core for a tenth of a second and 64 MB


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who is signed in."""

    username: str
    role: Role


class Auth:
    """Accounts and sessions in the database. `hasher` is argon2, cheaper in tests."""

    def __init__(self, database: Database, hasher: HasherProtocol, data_dir: Path, now: Callable[[], float]) -> None:
        self._database = database
        self._hasher = PasswordHash((hasher,))
        self._first_password = data_dir / FIRST_PASSWORD_FILE
        self._now = now
        self._hashing = asyncio.Semaphore(HASHES_AT_ONCE)
        self._nobody = ""

    async def prepare(self, password: str | None) -> None:
        """Sees to it that `admin` exists: with this password, or else with a new one, told in the log and in a file."""
        self._nobody = await self._hash(secrets.token_urlsafe())
        stored = await self._stored_hash(ADMIN)
        if password is not None:
            if stored is None or not await self._verify(password, stored):
                await self._set_password(ADMIN, password)
            await asyncio.to_thread(self._first_password.unlink, missing_ok=True)
        elif stored is None:
            password = secrets.token_urlsafe(12)
            await asyncio.to_thread(_write_private, self._first_password, password)
            await self._set_password(ADMIN, password)
            log.warning("first start: sign in with this password", username=ADMIN, password=password)

    async def sign_in(self, username: str, password: str) -> tuple[str, User] | None:
        """The token of a new session; None when the name or the password is wrong, after the same time."""
        stored = await self._stored_hash(username)
        right = await self._verify(password, stored or self._nobody)
        if stored is None or not right:
            return None
        token, now = secrets.token_urlsafe(32), self._now()
        async with self._database.writing() as connection:
            await connection.execute(delete(tables.sessions).where(tables.sessions.c.expires_at < now))
            await bulk.upsert(connection, tables.sessions, [(_digest(token), username, now, now + SESSION_S)])
        if username == ADMIN:
            await asyncio.to_thread(self._first_password.unlink, missing_ok=True)
        user = await self.user_of(token)
        return (token, user) if user else None

    async def sign_out(self, token: str) -> None:
        async with self._database.writing() as connection:
            await connection.execute(delete(tables.sessions).where(tables.sessions.c.token_hash == _digest(token)))

    async def user_of(self, token: str) -> User | None:
        """Whose session this is; None: nobody's, or it has run out."""
        sessions, users = tables.sessions, tables.users
        query = (
            select(users.c.username, users.c.role)
            .join(sessions, sessions.c.username == users.c.username)
            .where(sessions.c.token_hash == _digest(token), sessions.c.expires_at > self._now())
        )
        async with self._database.reading() as connection:
            found = (await connection.execute(query)).first()
        return None if found is None else User(found.username, found.role)

    async def _stored_hash(self, username: str) -> str | None:
        query = select(tables.users.c.password_hash).where(tables.users.c.username == username)
        async with self._database.reading() as connection:
            found: str | None = (await connection.execute(query)).scalar()
            return found

    async def _set_password(self, username: str, password: str) -> None:
        """Sets the password and ends the sessions that an older one opened."""
        password_hash = await self._hash(password)
        async with self._database.writing() as connection:
            await bulk.upsert(connection, tables.users, [(username, password_hash, "admin", self._now())])
            await connection.execute(delete(tables.sessions).where(tables.sessions.c.username == username))

    async def _hash(self, password: str) -> str:
        async with self._hashing:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def _verify(self, password: str, stored: str) -> bool:
        async with self._hashing:
            return await asyncio.to_thread(self._hasher.verify, password, stored)


def _digest(token: str) -> str:
    # The token is 256 random bits: a fast digest is enough, nobody can guess it.
    return hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()


def _write_private(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    path.touch(mode=0o600, exist_ok=False)
    path.write_text(text + "\n")
