"""Accounts in the database, of both kinds, without a broker."""

import string

import pytest

from api.accounts import LETTERS, AccountsOfFile, NoPassword, SipAccounts, Wish, new_password
from shared.accounts import SEEDED
from shared.broker import AccountBook, connect
from shared.digest import ha1
from shared.settings import SipAccountSettings
from shared.testing import AT

NOBODY = "redis://127.0.0.1:1/0"


@pytest.fixture
def make(database):
    """Accounts under these settings; the broker is away."""

    def make(**settings):
        chosen = SipAccountSettings(redis_url=NOBODY, **settings)
        return SipAccounts(database, AccountBook(connect(NOBODY)), chosen, lambda: AT)

    return make


async def names(accounts):
    source, found = await accounts.every()
    return source, [each.account.name for each in found]


async def test_nobody_has_managed_any_so_the_published_ones_are_there(make):
    assert await names(make()) == ("seeded", ["gateway-monitor", "gateway-test", "welcome-gw"])


async def test_the_first_change_keeps_the_published_ones(make):
    await make().put(Wish("office", "a secret of its own", {"users": ("050",)}))

    assert await names(make()) == ("managed", ["gateway-monitor", "gateway-test", "office", "welcome-gw"])


async def test_production_takes_no_published_ones_over(make):
    accounts = make(profile="production")

    before = await names(accounts)
    await accounts.put(Wish("office", "a secret of its own", {}))

    assert before == ("seeded", [])
    assert await names(accounts) == ("managed", ["office"])


async def test_only_hashes_of_a_password_are_kept(make, database):
    await make(realm="here").put(Wish("office", "a secret of its own", {}))

    found = await make(realm="here").find("office")

    assert found.account.ha1 == {
        algorithm: ha1("office", "here", "a secret of its own", algorithm) for algorithm in ("MD5", "SHA-256")
    }
    assert "a secret" not in found.account.model_dump_json()


async def test_without_a_password_an_account_keeps_its_own(make):
    await make().put(Wish("office", "a secret of its own", {"users": ("050",), "max_calls": 2}))
    before = await make().find("office")

    await make().put(Wish("office", None, {"max_calls": 3}))

    after = await make().find("office")
    assert after.account == before.account.model_copy(update={"max_calls": 3})


async def test_a_new_account_without_a_password_stores_nothing(make):
    with pytest.raises(NoPassword):
        await make().put_all([Wish("first", "a secret of its own", {}), Wish("second", None, {})])

    assert (await names(make()))[0] == "seeded"


async def test_a_dry_run_stores_nothing(make):
    outcomes = await make().put_all([Wish("office", "a secret", {}), Wish(SEEDED[0][0], "a secret", {})], dry_run=True)

    assert [outcome.created for outcome in outcomes] == [True, False]
    assert (await names(make()))[0] == "seeded"


async def test_the_last_account_may_go_and_the_published_ones_do_not_come_back(make):
    dropped = [await make().drop(name) for name, _ in SEEDED]

    assert dropped == [True, True, True]
    assert await names(make()) == ("managed", [])
    assert not await make().drop("gateway-test")


async def test_beside_a_file_nothing_can_be_changed(make, tmp_path):
    accounts = make(sip_accounts_file=tmp_path / "accounts.json")

    with pytest.raises(AccountsOfFile):
        await accounts.put(Wish("office", "a secret of its own", {}))
    with pytest.raises(AccountsOfFile):
        await accounts.drop("gateway-test")

    assert await names(accounts) == ("file", [])


async def test_an_account_is_usable_in_the_realm_of_its_password(make):
    await make(realm="old").put(Wish("office", "a secret of its own", {}))
    accounts = make(realm="new")

    before = accounts.is_usable((await accounts.find("office")).account)
    await accounts.put(Wish("office", "another secret", {}))

    assert not before
    assert accounts.is_usable((await accounts.find("office")).account)


def test_passwords_can_be_typed_and_are_never_the_same():
    made = {new_password() for _ in range(100)}

    assert len(made) == 100
    assert set("".join(made)) <= set(LETTERS) < set(string.ascii_lowercase + string.digits)
