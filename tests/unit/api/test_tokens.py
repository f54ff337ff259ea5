"""API tokens: what they open, for how long, and when they were last used."""

import re

import pytest

from api.access import HERE, OF_ROLE, Origin
from api.problems import Conflict
from api.users import UserChange
from tests.unit.api.people import BY_ADMIN

BY_MARTA = Origin("marta", "192.0.2.7")


@pytest.fixture
async def marta(people):
    await people.create("marta", "admin")
    await people.create("luca", "admin")
    return people


async def test_a_token_stands_for_its_maker_within_its_scopes(marta):
    secret, token = await marta.tokens.create("ci", ["write", "read", "read"], None, BY_MARTA)

    caller = await marta.tokens.caller_of(secret)
    assert (caller.username, caller.role, caller.token) == ("marta", "admin", "ci")
    assert caller.scopes == {"read", "write"}
    assert token.scopes == ("read", "write")


async def test_a_secret_is_told_from_others_by_its_look(marta):
    secret, token = await marta.tokens.create("ci", ["read"], None, BY_MARTA)

    assert re.fullmatch(r"vqm_[A-Za-z0-9_-]{43}", secret)
    assert secret.startswith(token.hint)
    assert len(token.hint) < len(secret) / 4


async def test_there_is_one_token_of_a_name(marta):
    await marta.tokens.create("ci", ["read"], None, BY_MARTA)

    with pytest.raises(Conflict):
        await marta.tokens.create("ci", ["read"], None, BY_MARTA)


async def test_a_token_ends_at_its_time(marta):
    secret, _ = await marta.tokens.create("ci", ["read"], marta.clock() + 60, BY_MARTA)
    before = await marta.tokens.caller_of(secret)

    marta.clock.now += 60

    assert before is not None
    assert await marta.tokens.caller_of(secret) is None


async def test_a_revoked_token_opens_nothing(marta):
    secret, token = await marta.tokens.create("ci", ["read"], None, BY_MARTA)

    assert await marta.tokens.revoke(token.token_id, BY_MARTA)

    assert await marta.tokens.caller_of(secret) is None
    assert not await marta.tokens.revoke(token.token_id, BY_MARTA)


@pytest.mark.parametrize("secret", ["", "vqm_", "vqm_" + "x" * 43, "\ud800", "x" * 100_000])
async def test_a_made_up_token_opens_nothing(marta, secret):
    assert await marta.tokens.caller_of(secret) is None


async def test_a_token_does_no_more_than_its_maker_may_now(marta):
    secret, _ = await marta.tokens.create("all", OF_ROLE["admin"], None, BY_MARTA)

    await marta.users.change("marta", UserChange(role="viewer"), HERE)

    caller = await marta.tokens.caller_of(secret)
    assert caller.role == "viewer"
    assert caller.scopes == OF_ROLE["viewer"]


async def test_the_token_of_a_disabled_user_opens_nothing(marta):
    secret, _ = await marta.tokens.create("ci", ["read"], None, BY_MARTA)

    await marta.users.change("marta", UserChange(disabled=True), HERE)

    assert await marta.tokens.caller_of(secret) is None


async def test_the_last_use_is_shown_at_once_and_stored_later(marta):
    secret, _ = await marta.tokens.create("ci", ["read"], None, BY_MARTA)
    marta.clock.now += 5
    await marta.tokens.caller_of(secret)
    [shown] = await marta.tokens.all()

    await marta.tokens.store_use()

    [stored] = await type(marta.tokens)(marta.database, marta.clock).all()
    assert shown.last_used_at == stored.last_used_at == marta.clock()


async def test_making_and_revoking_is_in_the_audit_log(marta):
    _, token = await marta.tokens.create("ci", ["read"], None, BY_ADMIN)
    await marta.tokens.revoke(token.token_id, BY_ADMIN)

    entries = [entry for entry in await marta.entries() if entry.target == "ci"]
    assert [(entry.action, entry.actor, entry.address) for entry in entries] == [
        ("token_created", "admin", "192.0.2.7"),
        ("token_revoked", "admin", "192.0.2.7"),
    ]
    assert entries[0].detail == "scopes=read"
