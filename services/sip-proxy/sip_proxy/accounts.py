"""Who may use this proxy: digest accounts, and which addresses of record each owns."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, TypeAdapter, ValidationError, model_validator

from shared.events import Transport, Value
from sip_proxy.sip.digest import Algorithm, ha1

# The accounts of a first start, so that a phone can be tried at once. They are public: every reader of this file
# knows them, so the production profile refuses them (settings.py).
SEEDED = (
    ("gateway-monitor", "VoipQuality2025!"),
    ("gateway-test", "TestMonitor123"),
    ("welcome-gw", "WelcomeGW456"),
)

ANY_TRANSPORT: frozenset[Transport] = frozenset({"udp", "tcp", "tls"})
ALGORITHMS: tuple[Algorithm, ...] = ("MD5", "SHA-256")


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

    @property
    def is_counted(self) -> bool:
        """Whether its calls have a limit."""
        return self.max_calls is not None or self.max_calls_per_day is not None

    def may_dial(self, number: str) -> bool:
        """Whether it may call a number that is nobody's here. Without prefixes: none."""
        return number.startswith(self.allowed_prefixes)


class AccountLine(Value):
    """One account of the accounts file: with its password, or with the hashes of it for our realm."""

    name: str = Field(min_length=1, max_length=128)
    password: str | None = Field(default=None, min_length=1, max_length=256)
    ha1: dict[Algorithm, Annotated[str, Field(pattern=r"^([0-9a-f]{32}|[0-9a-f]{64})$")]] = Field(default_factory=dict)
    users: tuple[str, ...] = ()
    transports: tuple[Transport, ...] = Field(default=("udp", "tcp", "tls"), min_length=1)
    max_calls: int | None = Field(default=None, ge=0, description="at once, as the caller")
    max_calls_per_day: int | None = Field(default=None, ge=0, description="a day of UTC")
    allowed_prefixes: tuple[Annotated[str, Field(min_length=1, max_length=32)], ...] = Field(
        default=(), description="how numbers may begin that are no user or extension here"
    )

    @model_validator(mode="after")
    def _has_one_secret(self) -> Self:
        if (self.password is None) == (not self.ha1):
            raise ValueError("an account needs a password or its ha1, not both")
        return self

    def account(self, realm: str) -> Account:
        if self.password is not None:
            unlimited = account(self.name, self.password, realm, self.users)
        else:
            unlimited = Account(self.name, self.ha1, frozenset(self.users or (self.name,)))
        return replace(
            unlimited,
            transports=frozenset(self.transports),
            max_calls=self.max_calls,
            max_calls_per_day=self.max_calls_per_day,
            allowed_prefixes=self.allowed_prefixes,
        )


class Accounts:
    """All accounts, by digest user name and by owned user."""

    def __init__(self, accounts: Iterable[Account]) -> None:
        self._by_name = {account.name: account for account in accounts}
        self._users = frozenset(user for account in self._by_name.values() for user in account.users)

    def find(self, name: str) -> Account | None:
        return self._by_name.get(name)

    def owns_user(self, user: str) -> bool:
        """Whether some account owns this user, so that it may be called."""
        return user in self._users


def account(name: str, password: str, realm: str, users: Iterable[str] = ()) -> Account:
    """An account whose password is known now and forgotten at once; by default it owns its own name."""
    hashes: dict[Algorithm, str] = {algorithm: ha1(name, realm, password, algorithm) for algorithm in ALGORITHMS}
    return Account(name, hashes, frozenset(users) or frozenset({name}))


def seeded(realm: str) -> Accounts:
    return Accounts(account(name, password, realm) for name, password in SEEDED)


def from_file(path: Path, realm: str) -> Accounts:
    """The accounts of a JSON list of `{"name", "password", "users"}`, or `"ha1": {"MD5", "SHA-256"}` for the password,
    and what docs/security.md says of limits.

    Raises:
        AccountsUnreadable: the file is missing or has another shape.
    """
    try:
        lines = TypeAdapter(list[AccountLine]).validate_python(json.loads(path.read_text("utf-8")))
    except (OSError, ValueError) as error:
        why = error.errors(include_input=False)[0]["msg"] if isinstance(error, ValidationError) else str(error)
        raise AccountsUnreadable(f"{path}: {why}") from error
    return Accounts(line.account(realm) for line in lines)
