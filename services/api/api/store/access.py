"""Who may come in, and what they did: users, their sessions and tokens, and the audit log.

Secrets are never stored: of passwords an argon2 hash, of sessions and tokens a digest.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal

from sqlalchemy import Boolean, Column, Double, Index, String, Table, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from api.access import Origin, Role, Scope
from api.store.tables import RowId, metadata

SESSIONS_OF_A_USER = 50  # the newest; a script that signs in each time must not fill the table
FAILURES_KEPT = 10_000  # the newest, so that whoever guesses passwords cannot fill the disk

Action = Literal[
    "signed_in",
    "sign_in_failed",
    "signed_out",
    "sessions_ended",
    "password_changed",
    "user_created",
    "user_changed",
    "user_deleted",
    "token_created",
    "token_revoked",
    "changed",
]

users = Table(
    "users",
    metadata,
    Column("username", String, primary_key=True),
    Column("password_hash", String, nullable=False),
    Column("role", String, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("disabled", Boolean, nullable=False),
    Column("signed_in_at", Double),
)

sessions = Table(
    "sessions",
    metadata,
    Column("session_id", String, primary_key=True),  # what it is called; the cookie is another secret
    Column("token_hash", String, nullable=False, unique=True),
    Column("username", String, nullable=False),
    Column("created_at", Double, nullable=False),
    Column("expires_at", Double, nullable=False),
    Column("address", String, nullable=False),
    Column("user_agent", String),
    Index(None, "expires_at"),
    Index(None, "username", "created_at"),
)

tokens = Table(
    "tokens",
    metadata,
    Column("token_id", String, primary_key=True),
    Column("token_hash", String, nullable=False, unique=True),
    Column("name", String, nullable=False, unique=True),
    Column("hint", String, nullable=False),
    Column("username", String, nullable=False),
    Column("scopes", String, nullable=False),  # separated by blanks
    Column("created_at", Double, nullable=False),
    Column("expires_at", Double),
    Column("last_used_at", Double),
)

audit = Table(
    "audit",
    metadata,
    Column("audit_id", RowId, primary_key=True, autoincrement=True),
    Column("at", Double, nullable=False),
    Column("action", String, nullable=False),
    Column("actor", String),
    Column("token", String),
    Column("address", String),
    Column("target", String),
    Column("detail", String),
    Index(None, "at"),
    Index(None, "actor", "audit_id"),
    Index(None, "action", "audit_id"),
)


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who may sign in, unless disabled. Times are epoch seconds."""

    username: str
    role: Role
    disabled: bool
    created_at: float
    signed_in_at: float | None


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in browser."""

    session_id: str
    username: str
    created_at: float
    expires_at: float
    address: str
    user_agent: str | None


@dataclass(frozen=True, slots=True)
class Token:
    """An API token. `hint`: how the secret begins; `username`: who made it; `expires_at` None: never."""

    token_id: str
    name: str
    hint: str
    username: str
    scopes: tuple[Scope, ...]
    created_at: float
    expires_at: float | None
    last_used_at: float | None


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the audit log. `actor` None: this program, or a stranger; `token`: the name of the one used."""

    at: float
    action: Action
    actor: str | None
    address: str | None
    token: str | None = None
    target: str | None = None
    detail: str | None = None

    @classmethod
    def by(
        cls, origin: Origin, at: float, action: Action, target: str | None = None, detail: str | None = None
    ) -> "Entry":
        return cls(at, action, origin.username, origin.address, origin.token, target, detail)


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """What the audit log is narrowed down to. None: not by this."""

    actor: str | None = None
    action: Action | None = None
    since: float | None = None
    until: float | None = None


_USER = [users.c[each.name] for each in fields(User)]
_SESSION = [sessions.c[each.name] for each in fields(Session)]
_TOKEN = [tokens.c[each.name] for each in fields(Token)]
_ENTRY = [audit.c[each.name] for each in fields(Entry)]


async def any_user(connection: AsyncConnection) -> bool:
    return (await connection.execute(select(users.c.username).limit(1))).first() is not None


async def user(connection: AsyncConnection, username: str) -> tuple[User, str] | None:
    """A user, and the hash of his password."""
    query = select(*_USER, users.c.password_hash).where(users.c.username == username)
    found = (await connection.execute(query)).first()
    return None if found is None else (User(*found[:-1]), found.password_hash)


async def list_users(connection: AsyncConnection) -> list[User]:
    """All users by name."""
    return [User(*row) for row in await connection.execute(select(*_USER).order_by(users.c.username))]


async def count_admins(connection: AsyncConnection) -> int:
    """How many could manage users now."""
    query = select(func.count()).where(users.c.role == "admin", users.c.disabled.is_(False))
    return (await connection.execute(query)).scalar_one()


async def add_user(connection: AsyncConnection, new: User, password_hash: str) -> None:
    row = {each.name: getattr(new, each.name) for each in fields(User)}
    await connection.execute(insert(users).values(**row, password_hash=password_hash))


async def change_user(connection: AsyncConnection, username: str, changes: Mapping[str, Any]) -> None:
    await connection.execute(update(users).where(users.c.username == username).values(**changes))


async def drop_user(connection: AsyncConnection, username: str) -> None:
    """The user, with his sessions and tokens."""
    for table in (sessions, tokens, users):
        await connection.execute(delete(table).where(table.c.username == username))


async def add_session(connection: AsyncConnection, session: Session, token_hash: str) -> None:
    """Keeps the session; the user's oldest ones go when there are too many."""
    row = {each.name: getattr(session, each.name) for each in fields(Session)}
    await connection.execute(insert(sessions).values(**row, token_hash=token_hash))
    newest = _sessions_of(session.username).limit(SESSIONS_OF_A_USER).with_only_columns(sessions.c.session_id)
    kept = [row.session_id for row in await connection.execute(newest)]
    await connection.execute(
        delete(sessions).where(sessions.c.username == session.username, sessions.c.session_id.not_in(kept))
    )


async def session_of(connection: AsyncConnection, token_hash: str, now: float) -> tuple[Session, Role] | None:
    """The session of a cookie and its user's role; None: there is none, it has run out, or the user is disabled."""
    query = (
        select(*_SESSION, users.c.role)
        .join(users, users.c.username == sessions.c.username)
        .where(sessions.c.token_hash == token_hash, sessions.c.expires_at > now, users.c.disabled.is_(False))
    )
    found = (await connection.execute(query)).first()
    return None if found is None else (Session(*found[:-1]), found.role)


async def sessions_of(connection: AsyncConnection, username: str, now: float) -> list[Session]:
    """A user's sessions, newest first."""
    query = _sessions_of(username).where(sessions.c.expires_at > now)
    return [Session(*row) for row in await connection.execute(query)]


async def drop_session(connection: AsyncConnection, username: str, session_id: str) -> bool:
    """Whether the user had such a session."""
    condition = sessions.c.username == username, sessions.c.session_id == session_id
    return (await connection.execute(delete(sessions).where(*condition))).rowcount > 0


async def drop_sessions(connection: AsyncConnection, username: str, but: str | None = None) -> int:
    """How many sessions of the user have been ended: all, or all but one."""
    condition = sessions.c.username == username, sessions.c.session_id != (but or "")
    return (await connection.execute(delete(sessions).where(*condition))).rowcount


async def add_token(connection: AsyncConnection, token: Token, token_hash: str) -> None:
    row = {each.name: getattr(token, each.name) for each in fields(Token)}
    row["scopes"] = " ".join(token.scopes)
    await connection.execute(insert(tokens).values(**row, token_hash=token_hash))


async def token_of(connection: AsyncConnection, token_hash: str, now: float) -> tuple[Token, Role] | None:
    """A token and its maker's role; None: there is none, it has run out, or its maker is disabled."""
    query = (
        select(*_TOKEN, users.c.role)
        .join(users, users.c.username == tokens.c.username)
        .where(tokens.c.token_hash == token_hash, users.c.disabled.is_(False))
    )
    found = (await connection.execute(query)).first()
    if found is None or (found.expires_at is not None and found.expires_at <= now):
        return None
    return _token(found), found.role


async def token_named(connection: AsyncConnection, name: str) -> bool:
    return (await connection.execute(select(tokens.c.name).where(tokens.c.name == name))).first() is not None


async def list_tokens(connection: AsyncConnection) -> list[Token]:
    """All tokens, newest first."""
    query = select(*_TOKEN).order_by(tokens.c.created_at.desc(), tokens.c.token_id)
    return [_token(row) for row in await connection.execute(query)]


async def drop_token(connection: AsyncConnection, token_id: str) -> str | None:
    """The name of the token that is gone now; None: there was none."""
    name: str | None = (await connection.execute(select(tokens.c.name).where(tokens.c.token_id == token_id))).scalar()
    await connection.execute(delete(tokens).where(tokens.c.token_id == token_id))
    return name


async def tokens_used(connection: AsyncConnection, used: Mapping[str, float]) -> None:
    """Keeps when tokens, by their ids, were last used."""
    for token_id, at in used.items():
        await connection.execute(update(tokens).where(tokens.c.token_id == token_id).values(last_used_at=at))


async def record(connection: AsyncConnection, entry: Entry) -> None:
    """Adds a line to the audit log."""
    await connection.execute(insert(audit).values({each.name: getattr(entry, each.name) for each in fields(Entry)}))


async def list_audit(
    connection: AsyncConnection, wanted: AuditFilter, limit: int, before: int | None = None
) -> list[tuple[int, Entry]]:
    """Lines of the audit log with their numbers, newest first, from below `before` on."""
    column = audit.c
    query = select(column.audit_id, *_ENTRY).order_by(column.audit_id.desc()).limit(limit)
    if before is not None:
        query = query.where(column.audit_id < before)
    if wanted.actor is not None:
        query = query.where(column.actor == wanted.actor)
    if wanted.action is not None:
        query = query.where(column.action == wanted.action)
    if wanted.since is not None:
        query = query.where(column.at >= wanted.since)
    if wanted.until is not None:
        query = query.where(column.at < wanted.until)
    return [(row.audit_id, Entry(*row[1:])) for row in await connection.execute(query)]


async def tidy(connection: AsyncConnection, now: float) -> None:
    """Takes away sessions that have run out, and failed sign-ins beyond the newest."""
    await connection.execute(delete(sessions).where(sessions.c.expires_at <= now))
    failures = select(audit.c.audit_id).where(audit.c.action == "sign_in_failed")
    last_kept = failures.order_by(audit.c.audit_id.desc()).offset(FAILURES_KEPT - 1).limit(1).scalar_subquery()
    await connection.execute(delete(audit).where(audit.c.action == "sign_in_failed", audit.c.audit_id < last_kept))


def _sessions_of(username: str) -> Any:
    order = sessions.c.created_at.desc(), sessions.c.session_id
    return select(*_SESSION).where(sessions.c.username == username).order_by(*order)


def _token(row: Sequence[Any]) -> Token:
    token_id, name, hint, username, scopes, created_at, expires_at, last_used_at, *_ = row
    return Token(token_id, name, hint, username, tuple(scopes.split()), created_at, expires_at, last_used_at)
