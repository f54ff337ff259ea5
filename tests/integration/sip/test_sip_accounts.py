"""Accounts that are managed while the proxy runs: what is written into the book is effective within a second."""

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from shared.accounts import SipAccount, seeded, sip_account
from shared.broker import AccountBook
from shared.events import CallEnded, DeviceRegistered, DeviceUnregistered
from sip_proxy.sip.message import Response
from tests.conftest import BrokerProcess
from tests.integration.sip.conftest import System, running
from tests.integration.sip.phone import HOST, Phone, sdp
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

AT_ONCE_S = 1.0
OFFICE = sip_account("office", "vqm", "secret of the office", users=("050", "051"))
GARDEN = sip_account("garden", "vqm", "secret of the garden")


@pytest.fixture
async def system(broker: BrokerProcess) -> AsyncIterator[System]:
    async with running(broker, trusted_networks=HOST) as system:  # it is asked again and again, and would ban us
        yield system


@pytest.fixture
async def second(broker: BrokerProcess, system: System) -> AsyncIterator[System]:
    async with running(broker, worker=False, flush=False, instance="proxy-2", trusted_networks=HOST) as other:
        await wait_until(lambda: system.app.neighbours == other.app.neighbours == 1, "the two to know each other")
        yield other


async def manage(system: System, *accounts: SipAccount) -> None:
    """What the api does."""
    book = AccountBook(system.redis)
    assert await book.write(await book.version(), secrets.token_hex(4), accounts)


async def office(system: System, user: str = "050", password: str = "secret of the office") -> Phone:
    return await system.phone(user, password, auth_user="office")


async def bound(system: System, aor_user: str) -> bool:
    keys = [key async for key in system.redis.scan_iter(match=f"vqm:registration:{aor_user}@*", count=100)]
    return bool(keys)


async def within_a_second(register: Callable[[], Awaitable[Response]], status: int) -> None:
    """Registers again and again until the answer is this one."""

    async def answered() -> bool:
        return (await register()).status == status

    await wait_until(answered, f"the answer {status}", within_s=AT_ONCE_S)


async def test_a_new_account_registers_within_a_second(system: System) -> None:
    phone = await office(system)
    before = (await phone.register()).status

    await manage(system, *seeded("vqm"), OFFICE)
    await within_a_second(phone.register, 200)

    assert before == 401
    assert [event.aor.partition("@")[0] for event in system.told(DeviceRegistered)] == ["050"]


async def test_an_account_that_is_gone_is_challenged_and_its_device_with_it(system: System) -> None:
    await manage(system, OFFICE, GARDEN)
    phone, neighbour = await office(system), await system.phone("garden", "secret of the garden")
    await within_a_second(phone.register, 200)
    await neighbour.register()

    await manage(system, GARDEN)
    [gone] = await system.hears(DeviceUnregistered)

    assert gone.aor.partition("@")[0] == "050"
    assert not await bound(system, "050")
    assert await bound(system, "garden")
    assert (await phone.register()).status == 401
    assert (await neighbour.register()).status == 200


async def test_another_password_ends_what_the_old_one_registered(system: System) -> None:
    await manage(system, OFFICE)
    phone = await office(system)
    await within_a_second(phone.register, 200)

    await manage(system, sip_account("office", "vqm", "the new secret", users=OFFICE.users))
    await system.hears(DeviceUnregistered)
    old = (await phone.register()).status
    phone.password = "the new secret"
    new = (await phone.register()).status

    assert (old, new) == (401, 200)


async def test_a_user_that_an_account_lost_is_not_registered_any_more(system: System) -> None:
    await manage(system, OFFICE)
    first, second = await office(system, "050"), await office(system, "051")
    await within_a_second(first.register, 200)
    await second.register()

    await manage(system, OFFICE.model_copy(update={"users": ("051",), "max_calls": 3}))
    await system.hears(DeviceUnregistered)

    assert [await bound(system, user) for user in ("050", "051")] == [False, True]
    assert (await first.register()).status == 403


async def test_a_running_call_outlives_the_account_of_its_caller(system: System) -> None:
    await manage(system, OFFICE, GARDEN)
    caller, callee = await office(system), await system.phone("garden", "secret of the garden")
    await within_a_second(callee.register, 200)
    await caller.invite("garden", body=sdp(4000))
    invite = await callee.request("INVITE")
    callee.send(callee.answer(invite, 200, body=sdp(5000)))
    call = caller.caller_side(await caller.response("INVITE", 200))
    caller.send(caller.in_dialog("ACK", call))
    await callee.request("ACK")

    await manage(system)
    await system.hears(DeviceUnregistered)
    caller.send(caller.in_dialog("BYE", call))
    callee.send(callee.answer(await callee.request("BYE"), 200))

    assert (await caller.response("BYE")).status == 200
    assert [event.hangup_by for event in system.told(CallEnded)] == ["caller"]


async def test_two_proxies_follow(system: System, second: System) -> None:
    here, there = await office(system, "050"), await office(second, "051")

    await manage(system, OFFICE)
    await within_a_second(here.register, 200)
    await within_a_second(there.register, 200)
    await manage(system, sip_account("office", "vqm", "the new secret", users=OFFICE.users))
    await wait_until(
        lambda: len([*system.told(DeviceUnregistered), *second.told(DeviceUnregistered)]) == 2, "both devices to go"
    )
    here.password = there.password = "the new secret"

    assert {(await here.register()).status, (await there.register()).status} == {200}


async def test_accounts_outlive_what_redis_loses(system: System) -> None:
    await manage(system, OFFICE)
    phone, seeded_phone = await office(system), await system.phone()
    await within_a_second(phone.register, 200)

    await system.redis.flushdb()
    await wait_until(lambda: system.redis.get("vqm:proxy:proxy-1"), "the proxy to have looked again")

    assert (await phone.register()).status == 200
    assert (await seeded_phone.register()).status == 401


async def test_a_restarted_proxy_begins_with_the_managed_accounts(broker: BrokerProcess) -> None:
    async with running(broker, trusted_networks=HOST) as system:
        await manage(system, OFFICE)
        await within_a_second((await office(system)).register, 200)
        await manage(system, GARDEN)

    async with running(broker, flush=False, trusted_networks=HOST) as system:
        statuses = [(await phone.register()).status for phone in (await office(system), await system.phone())]

        assert statuses == [401, 401]
        assert not await bound(system, "050")


async def test_no_managed_account_at_all_is_not_the_seeded_ones(system: System) -> None:
    await manage(system, GARDEN)
    phone = await system.phone()
    await within_a_second(phone.register, 401)

    await manage(system)
    garden = await system.phone("garden", "secret of the garden")
    await within_a_second(garden.register, 401)

    assert (await phone.register()).status == 401


async def test_what_is_no_account_is_left_out(system: System) -> None:
    await system.redis.set("vqm:accounts:version", "by hand", px=60_000)
    async with system.redis.batch(transaction=True) as batch:
        batch.hset("vqm:accounts", "office", OFFICE.model_dump_json())
        batch.hset("vqm:accounts", "broken", '{"name": "broken"}')
        batch.hset("vqm:accounts", "nonsense", "\ud7ff{")
        await batch.execute()
    await system.redis.set("vqm:accounts:version", "by hand again", px=60_000)

    await within_a_second((await office(system)).register, 200)


async def test_production_lets_nobody_in_with_a_published_password(broker: BrokerProcess) -> None:
    async with running(broker, profile="production", trusted_networks=HOST) as system:
        await manage(system, *seeded("vqm"), OFFICE)

        await within_a_second((await office(system)).register, 200)

        assert (await (await system.phone()).register()).status == 401
