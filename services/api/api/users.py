"""Users: making, changing and removing them, and their passwords. Somebody must always be left who can."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from api.access import Caller, Origin, Role
from api.passwords import Passwords
from api.problems import Conflict
from api.store import access
from api.store.access import Entry, User
from api.store.database import Database


@dataclass(frozen=True, slots=True)
class UserChange:
    """What is to be different. None: stays as it is."""

    role: Role | None = None
    disabled: bool | None = None
    password: str | None = None

    def told(self) -> str:
        """For the audit log."""
        parts = (
            self.role and f"role={self.role}",
            self.disabled is not None and f"disabled={str(self.disabled).lower()}",
            self.password is not None and "password=***",
        )
        return " ".join(part for part in parts if part)


class Users:
    """All users. `pinned`: one whose password and role are those of the settings, so that only they can change him."""

    def __init__(self, database: Database, passwords: Passwords, now: Callable[[], float], pinned: str | None) -> None:
        self._database = database
        self._passwords = passwords
        self._now = now
        self._pinned = pinned

    async def all(self) -> list[User]:
        """By name."""
        async with self._database.reading() as connection:
            return await access.list_users(connection)

    async def create(self, username: str, role: Role, password: str, by: Origin) -> User:
        """The new user.

        Raises:
            Conflict: there is such a user.
        """
        password_hash = await self._passwords.hash(password)
        user = User(username, role, disabled=False, created_at=self._now(), signed_in_at=None)
        async with self._database.writing() as connection:
            if await access.user(connection, username) is not None:
                raise Conflict("there is such a user already")
            await access.add_user(connection, user, password_hash)
            await access.record(connection, Entry.by(by, self._now(), "user_created", username, f"role={role}"))
        return user

    async def change(self, username: str, change: UserChange, by: Origin) -> User | None:
        """The changed user; None: there is none. A new password, or being disabled, ends his sessions.

        Raises:
            Conflict: nobody would be left who can manage users, or the settings decide.
        """
        self._refuse_pinned(username)
        values: dict[str, str | bool] = {}
        if change.role is not None:
            values["role"] = change.role
        if change.disabled is not None:
            values["disabled"] = change.disabled
        if change.password is not None:
            values["password_hash"] = await self._passwords.hash(change.password)
        async with self._database.writing() as connection:
            if await access.user(connection, username) is None:
                return None
            if values:
                await access.change_user(connection, username, values)
                await _demand_an_admin(connection)
                if change.password is not None or change.disabled:
                    await access.drop_sessions(connection, username)
                await access.record(connection, Entry.by(by, self._now(), "user_changed", username, change.told()))
            changed = await access.user(connection, username)
        return changed and changed[0]

    async def remove(self, username: str, by: Origin) -> bool:
        """Whether there was such a user. His sessions and tokens go with him.

        Raises:
            Conflict: nobody would be left who can manage users, or the settings decide.
        """
        self._refuse_pinned(username)
        async with self._database.writing() as connection:
            if await access.user(connection, username) is None:
                return False
            await access.drop_user(connection, username)
            await _demand_an_admin(connection)
            await access.record(connection, Entry.by(by, self._now(), "user_deleted", username))
        return True

    async def change_own_password(self, caller: Caller, current: str, new: str, by: Origin) -> bool:
        """Sets it and ends the caller's other sessions; False: the current one is wrong.

        Raises:
            Conflict: the settings decide.
        """
        self._refuse_pinned(caller.username)
        async with self._database.reading() as connection:
            known = await access.user(connection, caller.username)
        if not await self._passwords.verify(current, known[1] if known else None):
            return False
        password_hash = await self._passwords.hash(new)
        async with self._database.writing() as connection:
            await access.change_user(connection, caller.username, {"password_hash": password_hash})
            await access.drop_sessions(connection, caller.username, but=caller.session)
            await access.record(connection, Entry.by(by, self._now(), "password_changed", caller.username))
        return True

    def _refuse_pinned(self, username: str) -> None:
        if username == self._pinned:
            raise Conflict(f"VQM_ADMIN_PASSWORD decides on {username}: change it there, or start without it")


async def _demand_an_admin(connection: AsyncConnection) -> None:
    if await access.count_admins(connection) == 0:
        raise Conflict("this is the last administrator who can sign in")
