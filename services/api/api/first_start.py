"""The first administrator: with the password of the settings, or with one that is made at the first start."""

import asyncio
import secrets
from pathlib import Path

import structlog

from api.access import HERE
from api.passwords import Passwords
from api.store import access
from api.store.access import Entry, User
from api.store.database import Database

log = structlog.get_logger(__name__)

ADMIN = "admin"
FILE = "first-admin-password"


class FirstPassword:
    """A password that was made here, in a private file until somebody has signed in with it."""

    def __init__(self, data_dir: Path) -> None:
        self._file = data_dir / FILE

    async def keep(self, password: str) -> None:
        await asyncio.to_thread(self._write, password)

    async def forget(self) -> None:
        await asyncio.to_thread(self._file.unlink, missing_ok=True)

    def _write(self, password: str) -> None:
        self._file.unlink(missing_ok=True)
        self._file.touch(mode=0o600, exist_ok=False)
        self._file.write_text(password + "\n")


async def prepare(
    database: Database, passwords: Passwords, first_password: FirstPassword, password: str | None, now: float
) -> None:
    """Sees to it that somebody can sign in: `admin` with this password; without one, when there are no users yet, with
    a new one, told in the log and in a file."""
    await passwords.prepare()
    if password is not None:
        await _pin(database, passwords, password, now)
        await first_password.forget()
        return
    async with database.reading() as connection:
        first_start = not await access.any_user(connection)
    if first_start:
        password = secrets.token_urlsafe(12)
        await first_password.keep(password)
        await _create(database, await passwords.hash(password), now)
        log.warning("first start: sign in with this password", username=ADMIN, password=password)


async def _pin(database: Database, passwords: Passwords, password: str, now: float) -> None:
    """Makes this the password of an enabled administrator, whatever happened to him: the way back in."""
    async with database.reading() as connection:
        found = await access.user(connection, ADMIN)
    if found is None:
        await _create(database, await passwords.hash(password), now)
        return
    user, stored = found
    if user.role == "admin" and not user.disabled and await passwords.verify(password, stored):
        return
    changes = {"password_hash": await passwords.hash(password), "role": "admin", "disabled": False}
    async with database.writing() as connection:
        await access.change_user(connection, ADMIN, changes)
        await access.drop_sessions(connection, ADMIN)
        await access.record(connection, Entry.by(HERE, now, "user_changed", ADMIN, "set by VQM_ADMIN_PASSWORD"))


async def _create(database: Database, password_hash: str, now: float) -> None:
    async with database.writing() as connection:
        await access.add_user(connection, User(ADMIN, "admin", False, now, None), password_hash)
        await access.record(connection, Entry.by(HERE, now, "user_created", ADMIN, "role=admin"))
