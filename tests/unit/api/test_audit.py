"""The audit log: what is written down, in pages, and for how long."""

import pytest

from api.access import Origin
from api.auth import SESSION_S
from api.retention import DAY_S, KINDS, Retention
from api.store import access
from api.store.access import AuditFilter, Entry
from api.users import UserChange
from tests.unit.api.people import BY_ADMIN, OTHER_SECRET, SECRET


async def test_sign_ins_and_failures_are_written_down(people):
    await people.create("marta")
    await people.auth.sign_in("marta", "wrong", "198.51.100.1")
    cookie = await people.sign_in("marta")
    await people.auth.sign_out(cookie, "192.0.2.8")

    assert [(entry.action, entry.actor, entry.address) for entry in await people.entries()][1:] == [
        ("sign_in_failed", "marta", "198.51.100.1"),
        ("signed_in", "marta", "192.0.2.7"),
        ("signed_out", "marta", "192.0.2.8"),
    ]


async def test_a_name_that_nobody_has_is_not_kept_as_it_may_be_a_password(people):
    await people.auth.sign_in("hunter2", "", "198.51.100.1")

    [entry] = await people.entries()
    assert (entry.action, entry.actor) == ("sign_in_failed", None)
    assert "hunter2" not in str(entry)


async def test_changes_say_what_is_different_and_tell_no_password(people):
    await people.create("marta", "admin")
    await people.create("luca")
    await people.users.change("luca", UserChange("admin", disabled=True, password=OTHER_SECRET), BY_ADMIN)
    await people.users.change("luca", UserChange(), BY_ADMIN)
    await people.users.remove("luca", BY_ADMIN)

    changed, deleted = (await people.entries())[2:]
    assert changed == Entry(
        people.clock(), "user_changed", "admin", "192.0.2.7", None, "luca", "role=admin disabled=true password=***"
    )
    assert (deleted.action, deleted.target) == ("user_deleted", "luca")


async def test_a_refused_change_is_not_written_down(people):
    await people.create("marta", "admin")

    with pytest.raises(Exception, match="last administrator"):
        await people.users.remove("marta", BY_ADMIN)

    assert len(await people.entries()) == 1


async def test_pages_follow_each_other_while_lines_are_added(people):
    for number in range(5):
        await people.audit.changed(BY_ADMIN, f"POST /{number}")
    first = await people.audit.page(AuditFilter(), 2)
    await people.audit.changed(BY_ADMIN, "POST /late")

    second = await people.audit.page(AuditFilter(), 2, before=first[-1][0])
    third = await people.audit.page(AuditFilter(), 2, before=second[-1][0])

    assert [entry.target for _, entry in [*first, *second, *third]] == [f"POST /{number}" for number in (4, 3, 2, 1, 0)]


@pytest.mark.parametrize(
    ("wanted", "targets"),
    [
        ({"actor": "admin"}, ["a", "b"]),
        ({"action": "token_revoked"}, ["c"]),
        ({"since": 20.0}, ["b", "c"]),
        ({"until": 20.0}, ["a"]),
        ({"actor": "admin", "since": 20.0, "until": 21.0}, ["b"]),
        ({"actor": "nobody"}, []),
    ],
)
async def test_the_log_is_narrowed_down(people, wanted, targets):
    async with people.database.writing() as connection:
        for entry in (
            Entry(10.0, "changed", "admin", None, target="a"),
            Entry(20.0, "changed", "admin", None, target="b"),
            Entry(30.0, "token_revoked", "marta", None, target="c"),
        ):
            await access.record(connection, entry)

    assert [entry.target for entry in await people.entries(**wanted)] == targets


async def test_lines_are_kept_for_as_long_as_the_settings_say(people):
    await people.audit.changed(BY_ADMIN, "POST /old")
    people.clock.now += 20 * DAY_S
    await people.audit.changed(BY_ADMIN, "POST /new")

    await Retention(people.database, {**dict.fromkeys(KINDS, 0.0), "audit": 10}, people.clock).run_once()

    assert [entry.target for entry in await people.entries()] == ["POST /new"]


async def test_guessing_passwords_neither_fills_the_log_nor_pushes_other_lines_out(people, monkeypatch):
    monkeypatch.setattr(access, "FAILURES_KEPT", 3)
    await people.create("marta")
    for number in range(5):
        await people.auth.sign_in("marta", "wrong", f"198.51.100.{number}")

    await people.audit.tidy()

    entries = await people.entries()
    assert [entry.action for entry in entries] == ["user_created", *["sign_in_failed"] * 3]
    assert entries[-1].address == "198.51.100.4"


async def test_sessions_that_have_run_out_are_taken_away(people):
    await people.create("marta")
    await people.sign_in("marta", SECRET)
    people.clock.now += SESSION_S

    await people.audit.tidy()

    async with people.database.reading() as connection:
        assert (await connection.execute(access.sessions.select())).all() == []


async def test_tidying_stores_when_tokens_were_used(people):
    await people.create("marta", "admin")
    secret, _ = await people.tokens.create("ci", ["read"], None, Origin("marta"))
    await people.tokens.caller_of(secret)

    await people.audit.tidy()

    async with people.database.reading() as connection:
        [token] = await access.list_tokens(connection)
    assert token.last_used_at == people.clock()
