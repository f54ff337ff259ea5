"""Who may use this proxy: digest accounts, and which addresses of record each owns."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Self

import structlog
from pydantic import Field, TypeAdapter, ValidationError, model_validator

from shared.accounts import AccountRights, Ha1, SipAccount, hashes
from shared.accounts import seeded as seeded_accounts
from shared.digest import Algorithm
from shared.events import Transport

log = structlog.get_logger(__name__)

ANY_TRANSPORT: frozenset[Transport] = frozenset({"udp", "tcp", "tls"})


class AccountsUnreadable(Exception):
    """The accounts file is missing or does not fit; the message says how."""


@dataclass(frozen=True, slots=True)
class Account:
    """A digest user. Its name may differ from the users of the addresses of record it owns (gateways do that)."""

    name: str
    ha1: Mapping[Algorithm, str]
    users: frozenset[str]
    transports: frozenset[Transport] = ANY_TRANSPORT
    max_calls: int | None = None
    max_calls_per_day: int | None = None
    allowed_prefixes: tuple[str, ...] = ()
    mark: str = field(init=False)  # of the account with this password: what is registered with it bears it

    def __post_init__(self) -> None:
        secret = json.dumps([self.name, sorted(self.ha1.items())]).encode()
        object.__setattr__(self, "mark", blake2b(secret, digest_size=6).hexdigest())

    @classmethod
    def of(cls, kept: SipAccount) -> Self:
        """The account as it is asked for with every request."""
        return cls(
            kept.name,
            kept.ha1,
            frozenset(kept.owned_users),
            frozenset(kept.transports),
            kept.max_calls,
            kept.max_calls_per_day,
            kept.allowed_prefixes,
        )

    @property
    def is_counted(self) -> bool:
        """Whether its calls have a limit."""
        return self.max_calls is not None or self.max_calls_per_day is not None

    def may_dial(self, number: str) -> bool:
        """Whether it may call a number that is nobody's here. Without prefixes: none."""
        return number.startswith(self.allowed_prefixes)


class AccountLine(AccountRights):
    """One account of the accounts file: with its password, or with the hashes of it for our realm."""

    name: str = Field(min_length=1, max_length=128)
    password: str | None = Field(default=None, min_length=1, max_length=256)
    ha1: Ha1 = Field(default_factory=dict)

    @model_validator(mode="after")
    def _has_one_secret(self) -> Self:
        if (self.password is None) == (not self.ha1):
            raise ValueError("an account needs a password or its ha1, not both")
        return self

    def account(self, realm: str) -> Account:
        rights = self.model_dump(exclude={"name", "password", "ha1"})
        secret = self.ha1 if self.password is None else hashes(self.name, realm, self.password)
        return Account.of(SipAccount(name=self.name, realm=realm, ha1=secret, **rights))


class Accounts:
    """All accounts, by digest user name and by owned user."""

    def __init__(self, accounts: Iterable[Account]) -> None:
        self.replace(accounts)

    def replace(self, accounts: Iterable[Account]) -> None:
        """From now on there are these and no others."""
        self._by_name = {account.name: account for account in accounts}
        self._by_mark = {account.mark: account for account in self._by_name.values()}
        self._users = frozenset(user for account in self._by_name.values() for user in account.users)

    def find(self, name: str) -> Account | None:
        return self._by_name.get(name)

    def owns_user(self, user: str) -> bool:
        """Whether some account owns this user, so that it may be called."""
        return user in self._users

    def stands_by(self, mark: str, user: str) -> bool:
        """Whether the account of this mark still exists, with the same password, and owns this user."""
        account = self._by_mark.get(mark)
        return account is not None and user in account.users


def admissible(accounts: Iterable[SipAccount], realm: str, *, refuses_published: bool) -> list[Account]:
    """Those whose password can be right here, and may be."""
    found = []
    for each in accounts:
        if each.realm != realm:
            log.warning("account of another realm, it needs a new password", account=each.name, realm=each.realm)
        elif refuses_published and each.has_published_password:
            log.warning("account with a published password refused", account=each.name)
        else:
            found.append(Account.of(each))
    return found


def seeded(realm: str) -> Accounts:
    """The accounts of a first start, with their published passwords."""
    return Accounts(map(Account.of, seeded_accounts(realm)))


def from_file(path: Path, realm: str) -> Accounts:
    """The accounts of a JSON list of `{"name", "password", "users"}`, or `"ha1": {"MD5", "SHA-256"}` for the password,
    and what docs/accounts.md says of limits.

    Raises:
        AccountsUnreadable: the file is missing or has another shape.
    """
    try:
        lines = TypeAdapter(list[AccountLine]).validate_python(json.loads(path.read_text("utf-8")))
    except (OSError, ValueError) as error:
        why = error.errors(include_input=False)[0]["msg"] if isinstance(error, ValidationError) else str(error)
        raise AccountsUnreadable(f"{path}: {why}") from error
    return Accounts(line.account(realm) for line in lines)
