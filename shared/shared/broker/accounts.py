"""The SIP accounts that are managed over REST, on their way from the api to every sip-proxy.

`vqm:accounts` is a hash: digest user name to account (shared/accounts.py) as JSON. `vqm:accounts:version` changes with
each change, so that looking whether there was one costs one GET. Without a version there are no managed accounts.
"""

from collections.abc import Iterable

import structlog
from pydantic import ValidationError

from shared.accounts import SipAccount
from shared.broker.connection import Client, broker_errors

log = structlog.get_logger(__name__)

ACCOUNTS = "vqm:accounts"
VERSION = "vqm:accounts:version"

_READ = "return {redis.call('GET', KEYS[2]) or '', redis.call('HVALS', KEYS[1])}"
# ARGV: the version that is to be replaced ('' for none), the new one, then name and account in turns.
_WRITE = """
if (redis.call('GET', KEYS[2]) or '') ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
for i = 3, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
redis.call('SET', KEYS[2], ARGV[2])
return 1
"""


class AccountBook:
    """Every method raises BrokerLost when Redis is away."""

    def __init__(self, redis: Client) -> None:
        self._redis = redis
        self._read = redis.script(_READ)
        self._write = redis.script(_WRITE)

    async def version(self) -> str | None:
        """Of the accounts there are; None: nobody manages any, or Redis has lost them."""
        with broker_errors():
            return await self._redis.get(VERSION)

    async def read(self) -> tuple[str | None, list[SipAccount]]:
        """The accounts and their version; what is no account is left out and logged."""
        with broker_errors():
            version, texts = await self._read(keys=[ACCOUNTS, VERSION], args=[])
        accounts = []
        for text in texts:
            try:
                accounts.append(SipAccount.model_validate_json(text))
            except ValidationError as error:
                log.warning("unreadable account ignored", reason=error.errors(include_input=False)[0]["msg"])
        return version or None, accounts

    async def write(self, expected: str | None, version: str, accounts: Iterable[SipAccount]) -> bool:
        """Replaces all accounts in one step; False when the version is not the expected one any more (None: none)."""
        fields = [text for account in accounts for text in (account.name, account.model_dump_json())]
        with broker_errors():
            return bool(await self._write(keys=[ACCOUNTS, VERSION], args=[expected or "", version, *fields]))
