"""A SIP account as it is kept and passed on: what it may do, and HA1 in place of its password."""

from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import Field

from shared.digest import ALGORITHMS, Algorithm, ha1
from shared.events import Transport, Value

# The accounts of a first start, so that a phone can be tried at once. They are public: every reader of this file
# knows them, so the production profile refuses their passwords.
SEEDED = (
    ("gateway-monitor", "VoipQuality2025!"),
    ("gateway-test", "TestMonitor123"),
    ("welcome-gw", "WelcomeGW456"),
)

Ha1 = dict[Algorithm, Annotated[str, Field(pattern=r"^([0-9a-f]{32}|[0-9a-f]{64})$")]]


class AccountRights(Value):
    """What an account may do."""

    users: tuple[str, ...] = Field(
        default=(), description="of the addresses of record it owns; none: its own name, up to an `@`"
    )
    transports: tuple[Transport, ...] = Field(default=("udp", "tcp", "tls"), min_length=1)
    max_calls: int | None = Field(default=None, ge=0, description="at once, as the caller")
    max_calls_per_day: int | None = Field(default=None, ge=0, description="a day of UTC")
    allowed_prefixes: tuple[Annotated[str, Field(min_length=1, max_length=32)], ...] = Field(
        default=(), description="how numbers may begin that are no user or extension here"
    )


class SipAccount(AccountRights):
    """An account with what its password makes in a realm."""

    name: str = Field(min_length=1, max_length=128, description="digest user name")
    realm: str
    ha1: Ha1 = Field(min_length=1)

    @property
    def owned_users(self) -> tuple[str, ...]:
        """The users of the addresses of record that it may register."""
        return self.users or (self.name.partition("@")[0],)

    @property
    def has_published_password(self) -> bool:
        """Whether everybody can read its password, in this very file."""
        algorithm, own = next(iter(self.ha1.items()))
        return any(own == ha1(self.name, self.realm, password, algorithm) for _, password in SEEDED)


def hashes(name: str, realm: str, password: str) -> Ha1:
    """What is kept of a password that is known now and forgotten at once."""
    return {algorithm: ha1(name, realm, password, algorithm) for algorithm in ALGORITHMS}


def sip_account(name: str, realm: str, password: str, **rights: Any) -> SipAccount:
    """An account with this password. `rights`: those of `AccountRights`."""
    return SipAccount(name=name, realm=realm, ha1=hashes(name, realm, password), **rights)


def seeded(realm: str) -> Iterator[SipAccount]:
    """The accounts of a first start."""
    return (sip_account(name, realm, password) for name, password in SEEDED)
