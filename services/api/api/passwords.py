"""Passwords: what is one, how it is kept (argon2), and checking it in the same time for users that there are not."""

import asyncio
import re
import secrets

from pwdlib import PasswordHash
from pwdlib.hashers import HasherProtocol

SHORTEST = 12  # with the throttle and no other demand on what is in it (NIST SP 800-63B 3.1.1.2)
LONGEST = 256
DIFFERENT = 5  # characters
HASHES_AT_ONCE = 2  # each takes a core for a tenth of a second and 64 MB

STRONG = f"{SHORTEST} to {LONGEST} characters"

_USERNAME = re.compile(r"[a-z0-9][a-z0-9._@-]{0,63}")
USERNAME_PATTERN = f"^{_USERNAME.pattern}$"


def is_username(text: str) -> bool:
    """Small letters only, so that no two users look the same."""
    return _USERNAME.fullmatch(text) is not None


def weakness(username: str, password: str) -> str | None:
    """Why this is no good password for the user; None: it is one."""
    if not SHORTEST <= len(password) <= LONGEST:
        return f"a password has {STRONG}"
    if len(set(password)) < DIFFERENT or username in password.lower():
        return "this password is too easy to guess"
    return None


class Passwords:
    """Hashes and checks. `hasher` is argon2, cheaper in tests."""

    def __init__(self, hasher: HasherProtocol) -> None:
        self._hasher = PasswordHash((hasher,))
        self._hashing = asyncio.Semaphore(HASHES_AT_ONCE)
        self._nobody: str | None = None

    async def hash(self, password: str) -> str:
        async with self._hashing:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def verify(self, password: str, stored: str | None) -> bool:
        """Whether it is the password. For a user that there is not (None) it never is, after the same time."""
        if stored is None:
            await self.verify(password, await self._nobodys())
            return False
        async with self._hashing:
            return await asyncio.to_thread(self._hasher.verify, password, stored)

    async def prepare(self) -> None:
        """Hashes the password that nobody has, before anybody could time it."""
        await self._nobodys()

    async def _nobodys(self) -> str:
        if self._nobody is None:
            self._nobody = await self.hash(secrets.token_urlsafe())
        return self._nobody
