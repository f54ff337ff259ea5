"""Users are made, changed and removed, and somebody is always left who can do so."""

import pytest

from api.access import HERE, Origin
from api.problems import Conflict
from api.users import UserChange
from tests.unit.api.people import BY_ADMIN, OTHER_SECRET, SECRET, people_of


async def test_a_new_user_signs_in(people):
    created = await people.users.create("marta", "viewer", SECRET, BY_ADMIN)

    await people.sign_in("marta")

    [user] = await people.users.all()
    assert (created.signed_in_at, user.signed_in_at) == (None, people.clock())
    assert (user.username, user.role, user.disabled) == ("marta", "viewer", False)


async def test_there_is_one_user_of_a_name(people):
    await people.create("marta", "admin")

    with pytest.raises(Conflict):
        await people.users.create("marta", "viewer", OTHER_SECRET, BY_ADMIN)

    assert await people.sign_in("marta", SECRET)


@pytest.mark.parametrize(
    "change", [UserChange(role="viewer"), UserChange(disabled=True), UserChange(role="viewer", password=OTHER_SECRET)]
)
async def test_the_last_admin_stays_one(people, change):
    await people.create("marta", "admin")
    await people.create("luca")
    await people.create("gone", "admin")
    await people.users.change("gone", UserChange(disabled=True), HERE)

    with pytest.raises(Conflict):
        await people.users.change("marta", change, BY_ADMIN)

    cookie = await people.sign_in("marta", SECRET)
    assert (await people.auth.caller_of(cookie)).role == "admin"


async def test_the_last_admin_is_not_removed(people):
    await people.create("marta", "admin")

    with pytest.raises(Conflict):
        await people.users.remove("marta", BY_ADMIN)

    assert await people.sign_in("marta")


async def test_one_of_two_admins_is_removed_with_his_sessions_and_tokens(people):
    await people.create("marta", "admin")
    await people.create("luca", "admin")
    cookie = await people.sign_in("luca")
    secret, _ = await people.tokens.create("ci", ["read"], None, Origin("luca"))

    assert await people.users.remove("luca", BY_ADMIN)

    assert await people.auth.caller_of(cookie) is None
    assert await people.tokens.caller_of(secret) is None
    assert await people.tokens.all() == []


async def test_there_is_no_changing_or_removing_nobody(people):
    assert await people.users.change("nobody", UserChange(role="admin"), BY_ADMIN) is None
    assert not await people.users.remove("nobody", BY_ADMIN)


async def test_ones_own_new_password_ends_the_other_sessions(people):
    await people.create("marta")
    old, current = await people.sign_in("marta"), await people.sign_in("marta")
    caller = await people.auth.caller_of(current)

    assert await people.users.change_own_password(caller, SECRET, OTHER_SECRET, HERE)

    assert await people.auth.caller_of(old) is None
    assert await people.auth.caller_of(current) is not None
    assert await people.auth.sign_in("marta", SECRET, "192.0.2.7") is None
    assert await people.sign_in("marta", OTHER_SECRET)


async def test_ones_own_password_needs_the_current_one(people):
    await people.create("marta")
    caller = await people.caller("marta")

    assert not await people.users.change_own_password(caller, "wrong", OTHER_SECRET, HERE)

    assert await people.sign_in("marta", SECRET)


async def test_what_the_settings_decide_is_changed_there_alone(database, tmp_path):
    people = people_of(database, tmp_path, pinned="marta")
    await people.create("marta", "admin")
    await people.create("luca", "admin")
    caller = await people.caller("marta")

    for attempt in (
        people.users.change("marta", UserChange(role="viewer"), BY_ADMIN),
        people.users.remove("marta", BY_ADMIN),
        people.users.change_own_password(caller, SECRET, OTHER_SECRET, HERE),
    ):
        with pytest.raises(Conflict, match="VQM_ADMIN_PASSWORD"):
            await attempt
