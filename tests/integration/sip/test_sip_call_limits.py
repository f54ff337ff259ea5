"""What an account may not do although its password is right."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from shared.broker import Quotas
from shared.events import CallEnded, CallStarted, InvalidTransport, RequestNotAllowed, SessionLimit
from tests.conftest import BrokerProcess
from tests.integration.sip.conftest import System, running
from tests.integration.sip.phone import Call, Phone, sdp

pytestmark = pytest.mark.integration

ACCOUNTS = [
    {"name": "two", "password": "x", "max_calls": 2},
    {"name": "daily", "password": "x", "max_calls_per_day": 2},
    {"name": "italian", "password": "x", "allowed_prefixes": ["050", "+39"]},
    {"name": "secure", "password": "x", "transports": ["tls"]},
    {"name": "free", "password": "x"},
]


@pytest.fixture
def accounts_file(tmp_path: Path) -> Path:
    path = tmp_path / "accounts.json"
    path.write_text(json.dumps(ACCOUNTS))
    return path


@pytest.fixture
async def limited(broker: BrokerProcess, accounts_file: Path) -> AsyncIterator[System]:
    async with running(broker, sip_accounts_file=accounts_file) as system:
        yield system


async def call(phone: Phone, user: str = "999") -> tuple[int, Call | None]:
    """The final answer, and the call if there is one."""
    invite = await phone.invite(user, body=sdp(4000))
    answer = await phone.response("INVITE")
    if answer.status != 200:
        phone.send(phone.ack_refusal(invite, answer))
        return answer.status, None
    dialog = phone.caller_side(answer)
    phone.send(phone.in_dialog("ACK", dialog))
    return 200, dialog


async def hang_up(phone: Phone, dialog: Call | None) -> None:
    assert dialog is not None
    phone.send(phone.in_dialog("BYE", dialog))
    assert (await phone.response("BYE")).status == 200


async def test_an_account_has_so_many_calls_at_once(limited: System) -> None:
    phone = await limited.phone("two", "x")

    (_, first), (_, second) = await call(phone), await call(phone)
    refused, _ = await call(phone)
    await hang_up(phone, first)
    again, third = await call(phone)

    assert second is not None
    assert third is not None
    assert (refused, again) == (486, 200)
    [told] = limited.told(SessionLimit)
    assert (told.account, told.reason) == ("two", "too many calls at once")
    assert len(limited.told(CallStarted)) == 3


async def test_two_proxies_count_together(broker: BrokerProcess, limited: System, accounts_file: Path) -> None:
    async with running(broker, flush=False, instance="proxy-2", sip_accounts_file=accounts_file) as other:
        here, there = await limited.phone("two", "x"), await other.phone("two", "x")

        answers = [(await call(phone))[0] for phone in (here, there, here, there)]

        assert answers == [200, 200, 486, 486]


async def test_a_call_that_fails_does_not_count_for_ever(limited: System) -> None:
    phone = await limited.phone("two", "x")

    answers = [(await call(phone, "free"))[0] for _ in range(4)]

    assert answers == [480] * 4
    assert len(await limited.hears(CallEnded, 4)) == 4


async def test_an_account_has_so_many_calls_a_day(limited: System) -> None:
    phone = await limited.phone("daily", "x")

    answers = []
    for _ in range(3):
        status, dialog = await call(phone)
        answers.append(status)
        if dialog is not None:
            await hang_up(phone, dialog)

    assert answers == [200, 200, 403]
    assert [told.reason for told in limited.told(SessionLimit)] == ["too many calls in a day"]


@pytest.mark.parametrize(
    ("user", "number", "status"),
    [
        ("italian", "0501234", 404),  # allowed, but there is no way out of here
        ("italian", "+390501234", 404),
        ("italian", "00972500000", 403),
        ("italian", "999", 200),
        ("italian", "free", 480),
        ("free", "00972500000", 404),
    ],
)
async def test_numbers_that_are_nobodys_here_need_an_allowed_prefix(
    limited: System, user: str, number: str, status: int
) -> None:
    phone = await limited.phone(user, "x")

    assert (await call(phone, number))[0] == status
    assert [told.account for told in limited.told(RequestNotAllowed)] == (["italian"] if status == 403 else [])


async def test_an_account_that_is_for_tls_alone_gets_nowhere_without(limited: System) -> None:
    plain, secure = await limited.phone("secure", "x"), await limited.phone("secure", "x", transport="tls")

    refused, accepted = await plain.register(), await secure.register()

    assert (refused.status, accepted.status) == (403, 200)
    [told] = limited.told(InvalidTransport)
    assert (told.account, told.transport, told.reason) == ("secure", "udp", "only tls")


async def test_calls_of_a_proxy_that_died_for_good_stop_counting(system: System) -> None:
    quotas = Quotas(system.redis)

    async def take(call_id: str, now: float) -> str | None:
        return await quotas.take("a", call_id, day="d", now=now, until=now + 10_000, at_once=1, in_a_day=None)

    now = 4_000_000_000.0
    taken = [await take("one", now), await take("one", now), await take("two", now + 9_000)]
    await quotas.renew("a", "one", now + 20_000)
    await quotas.renew("a", "unknown", now + 90_000)
    later = [await take("two", now + 15_000), await take("two", now + 20_001)]

    assert taken == [None, None, "at once"]
    assert later == ["at once", None]
