"""Sessions: signing in and out, and whom a cookie stands for."""

import hashlib
import secrets
from collections.abc import Callable

from sqlalchemy.ext.asyncio import AsyncConnection

from api.access import Caller, Origin
from api.first_start import ADMIN, FirstPassword
from api.passwords import Passwords, is_username
from api.store import access
from api.store.access import Entry, Session, User
from api.store.database import Database

SESSION_S = 7 * 86_400.0
USER_AGENT_MAX = 256


def digest(secret: str) -> str:
    """What is stored of a cookie or a token: it is 256 random bits, so that a fast digest is enough."""
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()


class Auth:
    """Signed-in browsers, in the database."""

    def __init__(
        self, database: Database, passwords: Passwords, first_password: FirstPassword, now: Callable[[], float]
    ) -> None:
        self._database = database
        self._passwords = passwords
        self._first_password = first_password
        self._now = now

    async def sign_in(
        self, username: str, password: str, address: str, user_agent: str | None = None
    ) -> tuple[str, Caller] | None:
        """The cookie of a new session; None when the name or the password is wrong, after the same time."""
        wanted = username if is_username(username) else ""  # which nobody is called
        async with self._database.reading() as connection:
            known = await access.user(connection, wanted)
        right = await self._passwords.verify(password, known[1] if known else None)
        async with self._database.writing() as connection:
            # Asked again: whoever changes a password meanwhile ends the sessions that the old one opened.
            current = await access.user(connection, wanted)
            if not right or known is None or current is None or current[0].disabled or current[1] != known[1]:
                # A name that nobody has is not kept: it may be a password, typed into the wrong field.
                origin = Origin(current[0].username if current else None, address)
                await access.record(connection, Entry.by(origin, self._now(), "sign_in_failed"))
                return None
            opened = await self._open(connection, current[0], address, user_agent)
        if username == ADMIN:
            await self._first_password.forget()
        return opened

    async def _open(
        self, connection: AsyncConnection, user: User, address: str, user_agent: str | None
    ) -> tuple[str, Caller]:
        cookie, now = secrets.token_urlsafe(32), self._now()
        browser = user_agent[:USER_AGENT_MAX] if user_agent else None
        session = Session(secrets.token_hex(8), user.username, now, now + SESSION_S, address, browser)
        await access.add_session(connection, session, digest(cookie))
        await access.change_user(connection, user.username, {"signed_in_at": now})
        await access.record(connection, Entry.by(Origin(user.username, address), now, "signed_in"))
        return cookie, Caller.of_session(user.username, user.role, session.session_id)

    async def sign_out(self, cookie: str, address: str) -> None:
        """Ends the session of this cookie, if there is one."""
        async with self._database.writing() as connection:
            now = self._now()
            found = await access.session_of(connection, digest(cookie), now)
            if found is not None:
                session, _ = found
                await access.drop_session(connection, session.username, session.session_id)
                await access.record(connection, Entry.by(Origin(session.username, address), now, "signed_out"))

    async def caller_of(self, cookie: str) -> Caller | None:
        """Whose session this is; None: nobody's, or it has run out."""
        async with self._database.reading() as connection:
            found = await access.session_of(connection, digest(cookie), self._now())
        if found is None:
            return None
        session, role = found
        return Caller.of_session(session.username, role, session.session_id)

    async def sessions(self, username: str) -> list[Session]:
        """A user's sessions, newest first."""
        async with self._database.reading() as connection:
            return await access.sessions_of(connection, username, self._now())

    async def end_session(self, username: str, session_id: str, by: Origin) -> bool:
        """Whether this was a session of the user; it is none any more."""
        async with self._database.writing() as connection:
            found = await access.drop_session(connection, username, session_id)
            if found:
                await access.record(connection, Entry.by(by, self._now(), "sessions_ended", username, "count=1"))
        return found

    async def end_sessions(self, username: str, by: Origin, but: str | None = None) -> None:
        """Ends all sessions of the user, or all but one."""
        async with self._database.writing() as connection:
            ended = await access.drop_sessions(connection, username, but)
            if ended:
                told = Entry.by(by, self._now(), "sessions_ended", username, f"count={ended}")
                await access.record(connection, told)
