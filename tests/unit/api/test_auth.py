"""Sessions: who may come in, for how long, and what a stolen database is worth."""

import pytest
from sqlalchemy import select

from api.access import HERE
from api.auth import SESSION_S
from api.store import access
from api.store.access import SESSIONS_OF_A_USER
from api.users import UserChange
from tests.unit.api.people import BY_ADMIN, SECRET


@pytest.mark.parametrize(
    ("username", "password"), [("marta", "wrong"), ("marta", ""), ("nobody", SECRET), ("MARTA", SECRET), ("", SECRET)]
)
async def test_wrong_credentials_open_nothing(people, username, password):
    await people.create("marta")

    assert await people.auth.sign_in(username, password, "192.0.2.7") is None


@pytest.mark.parametrize(
    ("username", "password"),
    [("marta", SECRET), ("marta", "wrong"), ("nobody", "wrong"), ("No Such \0", "wrong"), ("gone", SECRET)],
)
async def test_every_sign_in_checks_one_password(people, username, password):
    await people.passwords.prepare()
    await people.create("marta", "admin")
    await people.create("gone")
    await people.users.change("gone", UserChange(disabled=True), HERE)

    await people.auth.sign_in(username, password, "192.0.2.7")

    assert people.hasher.checks == 1


async def test_a_session_is_of_its_user_with_his_role_of_now(people):
    await people.create("marta")
    cookie = await people.sign_in("marta")

    await people.users.change("marta", UserChange(role="admin"), HERE)

    caller = await people.auth.caller_of(cookie)
    assert (caller.username, caller.role, caller.token) == ("marta", "admin", None)


async def test_a_session_ends_by_signing_out(people):
    await people.create("marta")
    cookie = await people.sign_in("marta")

    await people.auth.sign_out(cookie, "192.0.2.7")

    assert await people.auth.caller_of(cookie) is None


async def test_a_session_ends_by_itself(people):
    await people.create("marta")
    cookie = await people.sign_in("marta")

    people.clock.now += SESSION_S + 1

    assert await people.auth.caller_of(cookie) is None
    assert await people.auth.sessions("marta") == []


@pytest.mark.parametrize("change", [UserChange(disabled=True), UserChange(password=SECRET)])
async def test_sessions_end_when_the_user_is_disabled_or_gets_a_password(people, change):
    await people.create("root", "admin")
    await people.create("marta")
    cookie = await people.sign_in("marta")

    await people.users.change("marta", change, BY_ADMIN)

    assert await people.auth.caller_of(cookie) is None


async def test_a_disabled_user_does_not_come_in(people):
    await people.create("root", "admin")
    await people.create("marta")

    await people.users.change("marta", UserChange(disabled=True), HERE)

    assert await people.auth.sign_in("marta", SECRET, "192.0.2.7") is None


async def test_a_user_sees_his_own_sessions_and_ends_one(people):
    await people.create("marta")
    await people.create("luca")
    kept, ended, other = [await people.sign_in(name) for name in ("marta", "marta", "luca")]
    ended_id = (await people.auth.caller_of(ended)).session

    assert await people.auth.end_session("marta", ended_id, HERE)

    assert len(await people.auth.sessions("marta")) == 1
    assert await people.auth.caller_of(ended) is None
    assert None not in [await people.auth.caller_of(cookie) for cookie in (kept, other)]


async def test_nobody_ends_the_session_of_another_by_its_id(people):
    await people.create("marta")
    await people.create("luca")
    cookie = await people.sign_in("luca")
    session = (await people.auth.caller_of(cookie)).session

    assert not await people.auth.end_session("marta", session, HERE)

    assert await people.auth.caller_of(cookie) is not None


async def test_all_sessions_but_one_end_at_once(people):
    await people.create("marta")
    old, current = await people.sign_in("marta"), await people.sign_in("marta")

    await people.auth.end_sessions("marta", HERE, but=(await people.auth.caller_of(current)).session)

    assert await people.auth.caller_of(old) is None
    assert await people.auth.caller_of(current) is not None


async def test_a_user_has_a_limited_number_of_sessions_and_the_oldest_go(people):
    await people.create("marta")
    cookies = []
    for _ in range(SESSIONS_OF_A_USER + 1):
        people.clock.now += 1
        cookies.append(await people.sign_in("marta"))

    assert len(await people.auth.sessions("marta")) == SESSIONS_OF_A_USER
    assert await people.auth.caller_of(cookies[0]) is None
    assert await people.auth.caller_of(cookies[1]) is not None


async def test_the_database_holds_neither_cookie_nor_token_nor_password(people):
    await people.create("marta", "admin")
    cookie = await people.sign_in("marta")
    token, _ = await people.tokens.create("ci", ["read"], None, BY_ADMIN)

    async with people.database.reading() as connection:
        rows = [
            row
            for table in (access.users, access.sessions, access.tokens, access.audit)
            for row in await connection.execute(select(table))
        ]
    assert len(rows) == 6
    assert not any(secret in str(rows) for secret in (cookie, token, SECRET))
