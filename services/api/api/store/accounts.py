"""SIP accounts in the database, which is the truth about them; and how many contacts are registered for whom."""

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from sqlalchemy import delete, func, insert, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from api.store import bulk, queries, tables
from shared.accounts import SipAccount


@dataclass(frozen=True, slots=True)
class StoredAccount:
    """An account and its history. Times are epoch seconds."""

    account: SipAccount
    created_at: float
    changed_at: float
    password_changed_at: float


async def version(connection: AsyncConnection) -> str | None:
    """Of all accounts together; None: nobody has managed any yet."""
    found: str | None = (await connection.execute(select(tables.accounts_version.c.version))).scalar()
    return found


async def set_version(connection: AsyncConnection, version: str) -> None:
    await connection.execute(delete(tables.accounts_version))
    await connection.execute(insert(tables.accounts_version).values(version=version))


async def every(connection: AsyncConnection) -> list[StoredAccount]:
    """All accounts by name."""
    table = tables.accounts
    return [_stored(*row) for row in await connection.execute(select(table).order_by(table.c.name))]


async def named(connection: AsyncConnection, names: Collection[str]) -> dict[str, StoredAccount]:
    """Those of these accounts that there are."""
    table = tables.accounts
    found = {}
    for part in queries.in_parts(names):
        for row in await connection.execute(select(table).where(table.c.name.in_(part))):
            found[row.name] = _stored(*row)
    return found


async def put(connection: AsyncConnection, accounts: Iterable[StoredAccount]) -> None:
    """Adds accounts, or replaces those of the same names."""
    rows = [
        (each.account.name, each.account.model_dump_json(), each.created_at, each.changed_at, each.password_changed_at)
        for each in accounts
    ]
    await bulk.upsert(connection, tables.accounts, rows)


async def drop(connection: AsyncConnection, name: str) -> bool:
    """Whether there was such an account."""
    return (await connection.execute(delete(tables.accounts).where(tables.accounts.c.name == name))).rowcount > 0


async def registered_contacts(connection: AsyncConnection, now: float) -> Counter[str]:
    """By the user of an address of record, how many contacts are registered; devices.Device.state in SQL."""
    table = tables.registrations
    is_bound = or_(table.c.gone_at.is_(None), table.c.gone_at < func.coalesce(table.c.refreshed_at, 0.0))
    query = select(table.c.aor, func.count()).where(table.c.expires_at >= now, is_bound).group_by(table.c.aor)
    contacts: Counter[str] = Counter()
    for aor, count in await connection.execute(query):
        contacts[aor.rpartition("@")[0]] += count
    return contacts


def _stored(name: str, account: str, created_at: float, changed_at: float, password_changed_at: float) -> StoredAccount:
    return StoredAccount(SipAccount.model_validate_json(account), created_at, changed_at, password_changed_at)
