"""Passwords and sessions: who may come in, for how long, and what a stolen database is worth."""

import pytest
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy import select

from api.auth import ADMIN, FIRST_PASSWORD_FILE, SESSION_S, Auth, User
from api.store import tables
from shared.testing import AT


class Clock:
    def __init__(self) -> None:
        self.now = AT

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def auth(database, tmp_path, clock):
    return Auth(database, Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1), tmp_path, clock)


async def test_the_first_start_makes_a_password_and_puts_it_into_a_private_file(auth, tmp_path):
    await auth.prepare(None)

    file = tmp_path / FIRST_PASSWORD_FILE
    assert file.stat().st_mode & 0o777 == 0o600
    assert await auth.sign_in(ADMIN, file.read_text().strip()) is not None


async def test_the_file_goes_with_the_first_sign_in(auth, tmp_path):
    await auth.prepare(None)
    file = tmp_path / FIRST_PASSWORD_FILE

    await auth.sign_in(ADMIN, file.read_text().strip())

    assert not file.exists()


async def test_a_second_start_keeps_the_password(auth, tmp_path):
    await auth.prepare(None)
    password = (tmp_path / FIRST_PASSWORD_FILE).read_text()

    await auth.prepare(None)

    assert (tmp_path / FIRST_PASSWORD_FILE).read_text() == password


async def test_a_given_password_is_the_password_from_then_on(auth, tmp_path):
    await auth.prepare(None)
    await auth.prepare("correct horse")

    assert await auth.sign_in(ADMIN, "correct horse") is not None
    assert not (tmp_path / FIRST_PASSWORD_FILE).exists()


async def test_a_changed_password_ends_the_sessions(auth):
    await auth.prepare("correct horse")
    token, _ = await auth.sign_in(ADMIN, "correct horse")

    await auth.prepare("battery staple")

    assert await auth.user_of(token) is None


async def test_the_same_password_keeps_the_sessions(auth):
    await auth.prepare("correct horse")
    token, _ = await auth.sign_in(ADMIN, "correct horse")

    await auth.prepare("correct horse")

    assert await auth.user_of(token) == User(ADMIN, "admin")


@pytest.mark.parametrize(("username", "password"), [(ADMIN, "wrong"), (ADMIN, ""), ("nobody", "correct horse")])
async def test_wrong_credentials_open_nothing(auth, username, password):
    await auth.prepare("correct horse")

    assert await auth.sign_in(username, password) is None


async def test_a_session_ends_by_signing_out(auth):
    await auth.prepare("correct horse")
    token, _ = await auth.sign_in(ADMIN, "correct horse")

    await auth.sign_out(token)

    assert await auth.user_of(token) is None


async def test_a_session_ends_by_itself(auth, clock):
    await auth.prepare("correct horse")
    token, _ = await auth.sign_in(ADMIN, "correct horse")

    clock.now += SESSION_S + 1

    assert await auth.user_of(token) is None


async def test_the_database_holds_neither_token_nor_password(auth, database):
    await auth.prepare("correct horse")
    token, _ = await auth.sign_in(ADMIN, "correct horse")

    async with database.reading() as connection:
        rows = [*await connection.execute(select(tables.sessions)), *await connection.execute(select(tables.users))]
    assert not any(secret in str(rows) for secret in (token, "correct horse"))
