"""Somebody can always sign in: with a password made at the first start, or with that of the settings."""

from api.access import HERE
from api.first_start import ADMIN, FILE
from api.users import UserChange
from tests.unit.api.people import OTHER_SECRET, SECRET


async def test_the_first_start_makes_a_password_and_puts_it_into_a_private_file(people):
    await people.start(None)

    file = people.data_dir / FILE
    assert file.stat().st_mode & 0o777 == 0o600
    assert await people.sign_in(ADMIN, file.read_text().strip())


async def test_the_file_goes_with_the_first_sign_in(people):
    await people.start(None)
    file = people.data_dir / FILE

    await people.sign_in(ADMIN, file.read_text().strip())

    assert not file.exists()


async def test_a_second_start_keeps_the_password(people):
    await people.start(None)
    password = (people.data_dir / FILE).read_text()

    await people.start(None)

    assert (people.data_dir / FILE).read_text() == password


async def test_a_removed_admin_does_not_come_back_while_there_are_others(people):
    await people.start(None)
    await people.create("marta", "admin")
    await people.users.remove(ADMIN, HERE)

    await people.start(None)

    assert [user.username for user in await people.users.all()] == ["marta"]


async def test_the_password_of_the_settings_is_the_password_from_then_on(people):
    await people.start(None)
    await people.start(SECRET)

    assert await people.sign_in(ADMIN, SECRET)
    assert not (people.data_dir / FILE).exists()


async def test_the_password_of_the_settings_opens_again_whatever_happened_to_the_admin(people):
    await people.start(SECRET)
    await people.create("marta", "admin")
    await people.users.change(ADMIN, UserChange(role="viewer", disabled=True), HERE)

    await people.start(SECRET)

    cookie = await people.sign_in(ADMIN, SECRET)
    assert (await people.auth.caller_of(cookie)).role == "admin"


async def test_a_new_password_in_the_settings_ends_the_sessions(people):
    await people.start(SECRET)
    cookie = await people.sign_in(ADMIN)

    await people.start(OTHER_SECRET)

    assert await people.auth.caller_of(cookie) is None


async def test_the_same_password_in_the_settings_keeps_the_sessions(people):
    await people.start(SECRET)
    cookie = await people.sign_in(ADMIN)

    await people.start(SECRET)

    assert await people.auth.caller_of(cookie) is not None


async def test_what_the_start_did_is_in_the_audit_log(people):
    await people.start(SECRET)
    await people.start(OTHER_SECRET)

    entries = await people.entries()
    assert [(entry.action, entry.actor, entry.target) for entry in entries] == [
        ("user_created", None, ADMIN),
        ("user_changed", None, ADMIN),
    ]
