"""REGISTER over real UDP."""

import pytest

from shared.events import (
    ChallengeSent,
    DeviceRegistered,
    DeviceUnregistered,
    InvalidAccountID,
    InvalidPassword,
    RegistrationExpired,
    RegistrationRefreshed,
    RequestNotAllowed,
    SuccessfulAuth,
)
from tests.conftest import BrokerProcess
from tests.integration.sip.conftest import System, running
from tests.integration.sip.phone import Phone

pytestmark = pytest.mark.integration


async def test_a_device_registers_after_a_challenge(system: System) -> None:
    phone = await system.phone()

    answer = await phone.register(expires=600)

    assert answer.status == 200
    assert answer.headers.get_all("Contact") == [f"<{phone.contact}>;expires=600"]
    assert answer.headers.get("Date") is not None
    [registered] = await system.hears(DeviceRegistered)
    assert registered.aor == "gateway-monitor@127.0.0.1"
    assert registered.contact == phone.contact
    assert registered.source == f"127.0.0.1:{phone.port}"  # not the private address of its Contact
    assert len(system.told(ChallengeSent)) == len(system.told(SuccessfulAuth)) == 1
    assert await system.state.get("vqm:registration:gateway-monitor@127.0.0.1")


async def test_any_domain_is_ours(system: System) -> None:
    phone = await system.phone()
    phone.domain = "welcomeitalia.it"

    assert (await phone.register()).status == 200

    assert system.told(DeviceRegistered)[0].aor == "gateway-monitor@127.0.0.1"


async def test_a_refresh_and_an_unregistration_are_told(system: System) -> None:
    phone = await system.phone()

    await phone.register(call_id="same")
    await phone.register(call_id="same")
    gone = await phone.register(expires=0, call_id="same")

    assert gone.headers.get_all("Contact") == []
    await system.hears(DeviceUnregistered)
    assert len(system.told(RegistrationRefreshed)) == 1
    assert await system.state.get("vqm:registration:gateway-monitor@127.0.0.1") is None


async def test_an_expiry_is_told_within_two_seconds(system: System) -> None:
    phone = await system.phone()

    await phone.register(expires=1)
    [registered] = await system.hears(DeviceRegistered)
    [expired] = await system.hears(RegistrationExpired)

    assert 0 <= expired.at - registered.expires_at < 2


@pytest.mark.parametrize(
    ("user", "password", "event"),
    [("gateway-monitor", "wrong", InvalidPassword), ("nobody", "VoipQuality2025!", InvalidAccountID)],
)
async def test_wrong_credentials_are_challenged_again(
    system: System, user: str, password: str, event: type[InvalidPassword]
) -> None:
    phone = await system.phone(user, password)

    answer = await phone.register()

    assert answer.status == 401
    assert "stale" not in (answer.headers.get("WWW-Authenticate") or "")
    [told] = await system.hears(event)
    assert told.account == user


async def test_an_unknown_user_gets_the_same_answer_as_a_wrong_password(system: System) -> None:
    known, unknown = await system.phone(password="wrong"), await system.phone("gateway-noone", "wrong")

    answers = [await known.register(), await unknown.register()]

    first, second = ([name for name, _ in answer.headers] for answer in answers)
    assert first == second
    assert len({len(answer.headers.get("WWW-Authenticate") or "") for answer in answers}) == 1


async def test_an_address_of_record_of_somebody_else_is_refused(system: System) -> None:
    phone = await system.phone("gateway-test", "VoipQuality2025!", auth_user="gateway-monitor")

    assert (await phone.register()).status == 403

    await system.hears(RequestNotAllowed)


async def test_without_the_broker_a_device_is_told_to_come_back(broker_process: BrokerProcess) -> None:
    async with running(broker_process) as system:
        phone: Phone = await system.phone()
        broker_process.stop()

        answer = await phone.register()

        assert answer.status == 503
        assert int(answer.headers.get("Retry-After") or 0) > 0
