"""SIP accounts: changed in the database, and passed on from there to every sip-proxy at once.

The database is the truth. Redis only carries it: what is lost there is written anew within seconds.
"""

import asyncio
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from api.store import accounts as store
from api.store.accounts import StoredAccount
from api.store.database import Database, DatabaseUnavailable
from shared.accounts import SipAccount, hashes, seeded, sip_account
from shared.broker import AccountBook, BrokerLost
from shared.settings import SipAccountSettings

log = structlog.get_logger(__name__)

CHECK_INTERVAL_S = 1.0
# Without those that are mistaken for others on paper: 20 of them are 99 bits.
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
PASSWORD_LENGTH = 20

Source = Literal["file", "seeded", "managed"]


class AccountsOfFile(Exception):
    """VQM_SIP_ACCOUNTS_FILE says which accounts there are, so nothing can be changed here."""


class NoPassword(Exception):
    """A new account was to be made without."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What an account is to be. `password` None: the one it has; `rights` left out: those it has."""

    name: str
    password: str | None
    rights: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a wish."""

    stored: StoredAccount
    created: bool


def new_password() -> str:
    """One that nobody guesses, and that can be typed into a telephone."""
    return "".join(secrets.choice(LETTERS) for _ in range(PASSWORD_LENGTH))


def fulfil(wish: Wish, before: StoredAccount | None, realm: str, now: float) -> StoredAccount:
    """The account as it is to be.

    Raises:
        NoPassword: a new one without.
    """
    if before is None:
        if wish.password is None:
            raise NoPassword(wish.name)
        return StoredAccount(sip_account(wish.name, realm, wish.password, **wish.rights), now, now, now)
    account = before.account.model_copy(update=dict(wish.rights))
    if wish.password is None:
        return replace(before, account=account, changed_at=now)
    account = account.model_copy(update={"realm": realm, "ha1": hashes(wish.name, realm, wish.password)})
    return StoredAccount(account, before.created_at, now, now)


class SipAccounts:
    """The accounts. Every method that changes something raises AccountsOfFile when a file has them, and
    DatabaseUnavailable when nothing can be stored."""

    def __init__(
        self, database: Database, book: AccountBook, settings: SipAccountSettings, now: Callable[[], float]
    ) -> None:
        self._database = database
        self._book = book
        self._settings = settings
        self._now = now

    @property
    def realm(self) -> str:
        """Which the passwords of new accounts are for."""
        return self._settings.realm

    def is_usable(self, account: SipAccount) -> bool:
        """Whether its password can be right: it is of our realm, and not refused for being published."""
        refused = self._settings.refuses_published_passwords and account.has_published_password
        return account.realm == self.realm and not refused

    async def every(self) -> tuple[Source, list[StoredAccount]]:
        """All accounts by name, and where they come from; those of a file are not known here."""
        if self._settings.sip_accounts_file is not None:
            return "file", []
        async with self._database.reading() as connection:
            if await store.version(connection) is not None:
                return "managed", await store.every(connection)
        return "seeded", self._seeded()

    async def find(self, name: str) -> StoredAccount | None:
        _, accounts = await self.every()
        return next((each for each in accounts if each.account.name == name), None)

    async def put(self, wish: Wish) -> Outcome:
        """Creates or changes one account.

        Raises:
            NoPassword: a new one without.
        """
        [outcome] = await self.put_all([wish])
        return outcome

    async def put_all(self, wishes: Iterable[Wish], *, dry_run: bool = False) -> list[Outcome]:
        """Creates or changes accounts, all or none; with `dry_run` only says what would be.

        Raises:
            NoPassword: a new one without.
        """
        wishes = list(wishes)
        self._refuse_beside_a_file()
        if dry_run:
            _, known = await self.every()
            return self._fulfil(wishes, {each.account.name: each for each in known})
        async with self._database.writing() as connection:
            await self._take_over(connection)
            outcomes = self._fulfil(wishes, await store.named(connection, [wish.name for wish in wishes]))
            await store.put(connection, [outcome.stored for outcome in outcomes])
            await store.set_version(connection, secrets.token_hex(8))
        await self._pass_on()
        return outcomes

    async def drop(self, name: str) -> bool:
        """Whether there was such an account."""
        self._refuse_beside_a_file()
        if await self.find(name) is None:
            return False
        async with self._database.writing() as connection:
            await self._take_over(connection)
            found = await store.drop(connection, name)
            await store.set_version(connection, secrets.token_hex(8))
        await self._pass_on()
        return found

    async def registered_contacts(self, accounts: Iterable[StoredAccount]) -> dict[str, int]:
        """By name, how many contacts are registered for the users that an account owns."""
        async with self._database.reading() as connection:
            contacts = await store.registered_contacts(connection, self._now())
        return {each.account.name: sum(contacts[user] for user in each.account.owned_users) for each in accounts}

    async def keep_passed_on(self) -> None:
        """Sees to it that Redis has what the database has, until cancelled."""
        while True:
            await self._pass_on()
            await asyncio.sleep(CHECK_INTERVAL_S)

    async def _pass_on(self) -> None:
        try:
            while not await self._are_the_same():
                pass  # somebody else wrote in between
        except BrokerLost as error:
            log.warning("accounts not passed on, broker away", error=str(error))
        except DatabaseUnavailable as error:
            log.warning("accounts not passed on, database away", error=str(error))

    async def _are_the_same(self) -> bool:
        """Makes them so; False when somebody was faster."""
        there = await self._book.version()
        async with self._database.reading() as connection:
            here = await store.version(connection)
            accounts = await store.every(connection) if here not in (None, there) else []
        if here is None and there is not None:
            await self._restore()
        if here is None or here == there:
            return True
        return await self._book.write(there, here, (each.account for each in accounts))

    async def _restore(self) -> None:
        """Of a database that was lost or replaced, Redis still has the accounts: no phone shall suffer from that."""
        version, accounts = await self._book.read()
        if version is None:
            return
        async with self._database.writing() as connection:
            if await store.version(connection) is None:
                now = self._now()
                await store.put(connection, [StoredAccount(account, now, now, now) for account in accounts])
                await store.set_version(connection, version)
        log.warning("accounts restored from the broker", accounts=len(accounts))

    async def _take_over(self, connection: AsyncConnection) -> None:
        """The first change makes the accounts in use until now ordinary ones, so that none vanishes by the way."""
        if await store.version(connection) is None:
            await store.put(connection, self._seeded())

    def _seeded(self) -> list[StoredAccount]:
        if self._settings.refuses_published_passwords:
            return []
        return [StoredAccount(account, now, now, now) for now in [self._now()] for account in seeded(self.realm)]

    def _fulfil(self, wishes: Iterable[Wish], known: Mapping[str, StoredAccount]) -> list[Outcome]:
        now = self._now()
        return [Outcome(fulfil(wish, known.get(wish.name), self.realm, now), wish.name not in known) for wish in wishes]

    def _refuse_beside_a_file(self) -> None:
        if self._settings.sip_accounts_file is not None:
            raise AccountsOfFile
