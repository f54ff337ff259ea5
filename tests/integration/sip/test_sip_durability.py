"""Registrations outlive the proxy and the broker, and each expiry is told once, whoever is there to tell it."""

import pytest

from shared.events import RegistrationExpired
from tests.conftest import BrokerProcess
from tests.integration.sip.conftest import System, running
from tests.integration.sip.phone import Phone
from tests.waiting import wait_until

pytestmark = pytest.mark.integration


def gateway(system: System) -> Phone:
    return Phone(system.app.address, "gateway-monitor", "VoipQuality2025!")


async def test_a_device_is_reached_after_a_restart_of_the_broker_and_the_proxy(durable_broker: BrokerProcess) -> None:
    async with running(durable_broker) as before, gateway(before) as device:
        assert (await device.register()).status == 200
        durable_broker.stop()
        durable_broker.start()
        async with running(durable_broker, flush=False) as after:
            caller = await after.other_phone()
            message = f"sip:gateway-monitor@{caller.domain}"
            await caller.authenticated("MESSAGE", message)

            device.proxy = after.app.address
            device.send(device.answer(await device.request("MESSAGE"), 200))

            assert (await caller.response("MESSAGE")).status == 200


async def test_credentials_used_before_the_restart_are_still_used(durable_broker: BrokerProcess) -> None:
    async with running(durable_broker) as before, gateway(before) as device:
        uri = f"sip:{device.domain}"
        device.send(device.write("REGISTER", uri))
        challenge = await device.response("REGISTER", 401)
        proof = device.credentials(challenge, "REGISTER", uri)
        to = f"<sip:{device.user}@{device.domain}>"
        device.send(device.write("REGISTER", uri, proof, to=to))
        assert (await device.response("REGISTER")).status == 200
        durable_broker.stop()
        durable_broker.start()
        async with running(durable_broker, flush=False) as after:
            device.proxy = after.app.address

            device.send(device.write("REGISTER", uri, proof, to=to))
            assert (await device.response("REGISTER")).status == 401
            device.send(device.write("REGISTER", uri, device.credentials(challenge, "REGISTER", uri, count=2), to=to))
            assert (await device.response("REGISTER")).status == 200


async def test_what_ran_out_while_nobody_was_there_is_told_at_the_next_start(durable_broker: BrokerProcess) -> None:
    async with running(durable_broker) as before, gateway(before) as device:
        await device.register(expires=1)
    assert before.told(RegistrationExpired) == []
    durable_broker.stop()
    durable_broker.start()

    async with running(durable_broker, flush=False) as after:
        [expired] = await after.hears(RegistrationExpired)

    assert expired.aor == "gateway-monitor@127.0.0.1"


async def test_of_several_replicas_one_tells_an_expiry(broker: BrokerProcess) -> None:
    async with running(broker) as first, running(broker, flush=False, instance="proxy-2") as second:
        early, late = await first.phone(), await second.other_phone()
        await late.register(expires=2)
        await early.register(expires=1)

        def told() -> list[RegistrationExpired]:
            return first.told(RegistrationExpired) + second.told(RegistrationExpired)

        await wait_until(lambda: any(event.contact == late.contact for event in told()), "the later expiry")

    assert sorted(event.contact for event in told()) == sorted([early.contact, late.contact])
