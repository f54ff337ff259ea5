"""Follows the accounts that are managed over REST: a change is effective within a second, also for whom it puts out."""

import asyncio

import structlog

from shared.broker import AccountBook, BrokerLost
from shared.settings import SipAccountSettings
from sip_proxy.accounts import Accounts, admissible
from sip_proxy.registration.bindings import Binding
from sip_proxy.registration.location import Location

log = structlog.get_logger(__name__)

LOOK_INTERVAL_S = 0.5


class AccountWatch:
    """Keeps `accounts` the same as the book. As long as nobody has written there, or if they are those of a file, they
    stay as they are."""

    def __init__(self, accounts: Accounts, book: AccountBook, location: Location, settings: SipAccountSettings) -> None:
        self._accounts = accounts
        self._book = book
        self._location = location
        self._settings = settings
        self._version: str | None = None

    async def begin(self) -> None:
        """Returns once it is known which accounts there are: a right password must not be refused, nor a published
        one be good, because Redis is late."""
        while True:
            try:
                return await self._look()
            except BrokerLost as error:
                log.warning("accounts unknown, broker away", error=str(error))
            await asyncio.sleep(LOOK_INTERVAL_S)

    async def follow(self) -> None:
        """Until cancelled. What is in memory outlives every loss of the broker, and of what was there."""
        while True:
            await asyncio.sleep(LOOK_INTERVAL_S)
            try:
                await self._look()
            except BrokerLost as error:
                log.warning("accounts not followed, broker away", error=str(error))

    async def _look(self) -> None:
        if self._settings.sip_accounts_file is not None or await self._book.version() in (None, self._version):
            return
        version, found = await self._book.read()
        if version is None:
            return
        usable = admissible(found, self._settings.realm, refuses_published=self._settings.refuses_published_passwords)
        self._accounts.replace(usable)
        await self._location.end(self._may_stay)
        self._version = version
        log.info("accounts changed", accounts=len(usable))

    def _may_stay(self, aor: str, binding: Binding) -> bool:
        """Whether the account that it was registered with would be let in again."""
        user = aor.rpartition("@")[0]
        return binding.mark is None or self._accounts.stands_by(binding.mark, user)
