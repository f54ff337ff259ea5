"""The parts that decide who may come in, over a real database, with a clock that a test sets."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pwdlib.hashers.argon2 import Argon2Hasher

from api import first_start
from api.access import HERE, Caller, Origin, Role
from api.audit import Audit
from api.auth import Auth
from api.first_start import ADMIN, FirstPassword
from api.passwords import Passwords
from api.store.access import AuditFilter, Entry
from api.store.database import Database
from api.tokens import Tokens
from api.users import Users
from shared.testing import AT

SECRET = "correct horse battery"
OTHER_SECRET = "staple of the house"
BY_ADMIN = Origin(ADMIN, "192.0.2.7")


class Clock:
    def __init__(self) -> None:
        self.now = AT

    def __call__(self) -> float:
        return self.now


class CountingHasher(Argon2Hasher):
    """The real one, cheap, and how often it has checked a password."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.checks = 0

    def verify(self, password: str | bytes, hash: str | bytes) -> bool:
        self.checks += 1
        return super().verify(password, hash)


@dataclass
class People:
    """Everybody, and what they have done."""

    database: Database
    data_dir: Path
    clock: Clock
    hasher: CountingHasher
    passwords: Passwords
    auth: Auth
    users: Users
    tokens: Tokens
    audit: Audit

    async def start(self, password: str | None) -> None:
        """What happens at each start of the service."""
        first_password = FirstPassword(self.data_dir)
        await first_start.prepare(self.database, self.passwords, first_password, password, self.clock())

    async def create(self, username: str, role: Role = "viewer") -> None:
        await self.users.create(username, role, SECRET, HERE)

    async def sign_in(self, username: str, password: str = SECRET) -> str:
        """The cookie."""
        signed_in = await self.auth.sign_in(username, password, "192.0.2.7")
        assert signed_in is not None
        return signed_in[0]

    async def caller(self, username: str) -> Caller:
        """The user, at a browser of his."""
        caller = await self.auth.caller_of(await self.sign_in(username))
        assert caller is not None
        return caller

    async def entries(self, **wanted: Any) -> list[Entry]:
        """The audit log, oldest first."""
        return [entry for _, entry in reversed(await self.audit.page(AuditFilter(**wanted), 1000))]


def people_of(database: Database, data_dir: Path, pinned: str | None = None) -> People:
    clock, hasher = Clock(), CountingHasher()
    passwords, tokens = Passwords(hasher), Tokens(database, clock)
    return People(
        database,
        data_dir,
        clock,
        hasher,
        passwords,
        Auth(database, passwords, FirstPassword(data_dir), clock),
        Users(database, passwords, clock, pinned),
        tokens,
        Audit(database, tokens, clock),
    )
