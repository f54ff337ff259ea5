"""We as the outbound proxy between a device and its carrier: registrations."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from shared.events import (
    DeviceRegistered,
    DeviceUnregistered,
    RegistrationExpired,
    RegistrationRefreshed,
    RequestNotAllowed,
)
from sip_proxy.sip.message import Request
from sip_proxy.sip.uri import parse_uri
from tests.conftest import BrokerProcess
from tests.integration.sip.carrier import DOMAIN
from tests.integration.sip.outside import AOR, KEY, USER, Outside, outside

pytestmark = pytest.mark.integration


@pytest.fixture
async def world(broker: BrokerProcess) -> AsyncIterator[Outside]:
    async with outside(broker) as world:
        yield world


async def test_a_device_registers_with_its_carrier_through_us(world: Outside) -> None:
    phone = await world.device()

    answer = await phone.register(expires=600)

    assert answer.status == 200
    assert answer.headers.get_all("Contact") == [f"<{phone.contact}>;expires=1800"]  # its own, with the carrier's time
    contact = parse_uri(world.carrier.bindings[USER])
    assert (contact.user, contact.host, contact.port) == (USER, *world.system.app.address)
    [registered] = await world.system.hears(DeviceRegistered)
    assert (registered.aor, registered.contact) == (AOR, phone.contact)
    assert registered.source == f"127.0.0.1:{phone.port}"
    assert registered.expires_at - registered.at == 1800
    assert await world.system.state.get(KEY)


async def test_what_the_digest_and_the_identity_are_made_of_passes_untouched(world: Outside) -> None:
    phone = await world.device()

    sent, _, _ = await phone.authenticated(
        "REGISTER", f"sip:{DOMAIN}", "Expires: 600", "X-Unknown: as it  is", to=f"<sip:{AOR}>"
    )
    await phone.response("REGISTER", 200)

    first, second = world.carrier.registers
    assert "Authorization" not in first.headers
    text = sent.decode()
    assert second.uri == f"sip:{DOMAIN}"
    for name in ("From", "To", "Call-ID", "CSeq", "Authorization", "Expires", "X-Unknown"):
        assert f"{name}: {second.headers.get(name)}\r\n" in text
    assert world.system.told(RequestNotAllowed) == []


async def test_other_contacts_of_the_account_pass_untouched(world: Outside) -> None:
    world.carrier.others = ["<sip:0501234567@203.0.113.4:5080>;q=0.5;expires=77", "not a contact"]
    phone = await world.device()

    answer = await phone.register()

    assert answer.headers.get_all("Contact") == [f"<{phone.contact}>;expires=1800", *world.carrier.others]


async def test_a_refresh_keeps_the_contact_and_an_unregistration_takes_it_away(world: Outside) -> None:
    phone = await world.device()
    await phone.register(call_id="same")
    contact = world.carrier.bindings[USER]

    await phone.register(call_id="same")
    refreshed = world.carrier.bindings[USER]
    gone = await phone.register(expires=0, call_id="same")

    assert refreshed == contact
    assert gone.headers.get_all("Contact") == []
    assert len(await world.system.hears(RegistrationRefreshed)) == 1
    await world.system.hears(DeviceUnregistered)
    assert await world.system.state.get(KEY) is None


async def test_a_device_that_knows_path_gets_us_into_it(world: Outside) -> None:
    phone = await world.device()

    answer = await phone.register("Supported: path, outbound")

    [path] = answer.headers.get_all("Path")
    assert path.startswith(f"<sip:{world.system.app.address};transport=udp;lr;vqm=")


async def test_a_device_that_does_not_know_path_gets_none(world: Outside) -> None:
    phone = await world.device()

    await phone.register()

    assert "Path" not in world.carrier.registers[-1].headers


@pytest.mark.parametrize("refusal", ["423 Interval Too Brief", "403 Forbidden", "500 Broken"])
async def test_a_refusal_of_the_carrier_passes_as_it_is(world: Outside, refusal: str) -> None:
    world.carrier.refuses = refusal
    phone = await world.device()

    phone.send(phone.write("REGISTER", f"sip:{DOMAIN}", "Expires: 60", to=f"<sip:{AOR}>"))
    answer = await phone.response("REGISTER")

    assert answer.status == int(refusal.split()[0])
    assert (answer.headers.get("Min-Expires"), answer.headers.get("X-Reason")) == ("300", "mine")
    assert await world.system.state.get(KEY) is None


async def test_a_wrong_password_is_the_carriers_to_refuse(world: Outside) -> None:
    phone = await world.device()
    phone.password = "wrong"

    answer = await phone.register()

    assert answer.status == 401
    assert answer.headers.get("WWW-Authenticate") == world.carrier.challenge()
    assert world.system.told(DeviceRegistered) == []


async def test_a_registration_runs_out_when_the_carrier_says(world: Outside) -> None:
    world.carrier.expires_s = 1
    phone = await world.device()

    await phone.register(expires=600)

    [expired] = await world.system.hears(RegistrationExpired)
    assert expired.aor == AOR


async def test_devices_of_other_networks_are_refused(broker: BrokerProcess) -> None:
    async with outside(broker, carrier_clients="192.0.2.0/24") as world:
        phone = await world.device()

        phone.send(phone.write("REGISTER", f"sip:{DOMAIN}", to=f"<sip:{AOR}>"))

        assert (await phone.response("REGISTER")).status == 403
        [refused] = await world.system.hears(RequestNotAllowed)
        assert refused.reason == "carrier not open to this address"
        assert world.carrier.registers == []


async def test_what_is_for_another_domain_goes_nowhere(world: Outside) -> None:
    phone = await world.device()

    phone.send(phone.write("REGISTER", "sip:elsewhere.example", to="<sip:a@elsewhere.example>"))
    phone.send(phone.write("INVITE", "sip:a@elsewhere.example"))

    assert (await phone.response("REGISTER")).status == 401  # ours: every other domain means us
    assert (await phone.response("INVITE")).status == 407
    assert world.names.asked == []


async def test_another_server_is_tried_when_the_first_is_silent_and_then_used_at_once(broker: BrokerProcess) -> None:
    async with outside(broker, servers=2) as world:
        first, second = world.carriers
        first.silent = True
        phone = await world.device()

        assert (await phone.register()).status == 200
        assert len(second.registers) == 2
        loop = asyncio.get_running_loop()
        begun = loop.time()
        assert (await phone.register()).status == 200

        assert loop.time() - begun < 0.2  # a silent server costs 8 * T1, 0.4 s here
        assert first.registers == []


@pytest.mark.parametrize("method", ["REGISTER", "INVITE", "OPTIONS"])
async def test_a_carrier_that_is_down_is_a_503_with_retry_after(world: Outside, method: str) -> None:
    world.carrier.silent = True
    phone = await world.device()

    phone.send(phone.write(method, f"sip:{USER}@{DOMAIN}", to=f"<sip:{AOR}>"))
    answer = await phone.response(method)

    assert answer.status == 503
    assert int(answer.headers.get("Retry-After") or 0) >= 10


@pytest.mark.parametrize("method", ["REGISTER", "INVITE", "OPTIONS"])
async def test_a_carrier_whose_name_is_not_found_is_a_503_with_retry_after(world: Outside, method: str) -> None:
    world.names.zone.clear()
    phone = await world.device()

    phone.send(phone.write(method, f"sip:{USER}@{DOMAIN}", to=f"<sip:{AOR}>"))
    answer = await phone.response(method)

    assert answer.status == 503
    assert int(answer.headers.get("Retry-After") or 0) >= 10


async def test_without_the_broker_a_device_is_told_to_come_back_though_the_carrier_took_it(
    broker_process: BrokerProcess,
) -> None:
    async with outside(broker_process) as world:
        phone = await world.device()
        broker_process.stop()

        answer = await phone.register()

        assert answer.status == 503
        assert int(answer.headers.get("Retry-After") or 0) > 0
        assert USER in world.carrier.bindings


async def test_a_device_is_told_what_it_subscribed_to(world: Outside) -> None:
    phone, carrier = await world.registered(), world.carrier

    phone.send(phone.write("SUBSCRIBE", f"sip:{USER}@{DOMAIN}", "Event: message-summary", "Expires: 600"))
    subscribe = await carrier.request("SUBSCRIBE")
    carrier.send(carrier.answer(subscribe, 200, "Expires: 600"))
    subscription = carrier.callee_side(subscribe, "callee")
    carrier.send(carrier.in_dialog("NOTIFY", subscription, "Event: message-summary", "Subscription-State: active"))
    notify = await phone.request("NOTIFY")
    phone.send(phone.answer(notify, 200))

    assert (await phone.response("SUBSCRIBE")).status == 200
    assert notify.uri == phone.contact
    assert (await carrier.response("NOTIFY")).status == 200


async def test_a_keepalive_passes_both_ways(world: Outside) -> None:
    phone = await world.registered()

    phone.send(phone.write("OPTIONS", f"sip:{DOMAIN}"))
    asked: Request = await world.carrier.request("OPTIONS")
    world.carrier.send(world.carrier.answer(asked, 200, "X-From: the carrier"))
    assert (await phone.response("OPTIONS")).headers.get("X-From") == "the carrier"

    world.carrier.send(world.carrier.write("OPTIONS", world.carrier.bindings[USER]))
    asked = await phone.request("OPTIONS")
    phone.send(phone.answer(asked, 200, "X-From: the device"))
    assert (await world.carrier.response("OPTIONS")).headers.get("X-From") == "the device"
    assert asked.uri == phone.contact
