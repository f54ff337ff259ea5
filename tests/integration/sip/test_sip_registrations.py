"""REGISTER over real UDP."""

import json
from pathlib import Path

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


async def test_what_nobody_may_register_is_refused_and_told(system: System) -> None:
    phone = await system.phone()

    for contact in (f"sip:x@{phone.proxy}", "sip:x@224.0.1.75", "sip:x@255.255.255.255"):
        octets, _, _ = await phone.authenticated(
            "REGISTER", f"sip:{phone.domain}", to=f"<sip:{phone.user}@{phone.domain}>", contact=contact
        )
        assert (await phone.response("REGISTER")).status == 403, octets

    assert len(system.told(RequestNotAllowed)) == 3
    assert system.told(DeviceRegistered) == []


async def test_an_extension_that_we_do_not_know_is_named(system: System) -> None:
    phone = await system.phone()

    answer = await phone.register("Require: gruu, path")

    assert answer.status == 420
    assert answer.headers.get_all("Unsupported") == ["gruu"]


async def test_what_is_too_short_is_refused_with_the_shortest_that_is_not(broker: BrokerProcess) -> None:
    async with running(broker, registration_min_s=60) as system:
        phone = await system.phone()

        answer = await phone.register(expires=30)

        assert answer.status == 423
        assert answer.headers.get("Min-Expires") == "60"


async def test_what_is_too_long_is_cut_and_the_answer_says_so(broker: BrokerProcess) -> None:
    async with running(broker, registration_max_s=120) as system:
        phone = await system.phone()

        answer = await phone.register(expires=86400)

        assert answer.headers.get_all("Contact") == [f"<{phone.contact}>;expires=120"]


async def test_all_bindings_are_listed_and_a_query_changes_nothing(system: System) -> None:
    first, second = await system.phone(), await system.phone()
    await first.register()
    both = await second.register()

    asked = await second.register(contact=None)

    assert len(both.headers.get_all("Contact")) == len(asked.headers.get_all("Contact")) == 2
    assert len(system.told(DeviceRegistered)) == 2
    assert system.told(RegistrationRefreshed) == []


async def test_a_star_takes_all_contacts_back_and_only_with_expires_0(system: System) -> None:
    first, second = await system.phone(), await system.phone()
    await first.register()
    await second.register()

    refused = await second.register(contact="*", expires=60)
    gone = await second.register(contact="*", expires=0)

    assert (refused.status, gone.status) == (400, 200)
    assert gone.headers.get_all("Contact") == []
    assert len(system.told(DeviceUnregistered)) == 2


async def test_an_old_register_that_comes_late_fails(system: System) -> None:
    phone = await system.phone()
    await phone.register(call_id="same")
    phone.skip_cseq(-2)

    assert (await phone.register(call_id="same", expires=0)).status == 500
    assert system.told(DeviceUnregistered) == []


async def test_a_retransmission_is_answered_and_not_run_again(system: System) -> None:
    phone = await system.phone()
    octets, _, _ = await phone.authenticated("REGISTER", f"sip:{phone.domain}", to=f"<sip:{phone.user}@{phone.domain}>")
    first = await phone.response("REGISTER")
    phone.send(octets)

    assert (await phone.response("REGISTER")).encode() == first.encode()
    assert len(system.told(DeviceRegistered)) == 1
    assert system.told(RegistrationRefreshed) == []


async def test_the_user_of_the_account_may_differ_from_the_number(broker: BrokerProcess, tmp_path: Path) -> None:
    accounts = tmp_path / "accounts.json"
    accounts.write_text(json.dumps([{"name": "s0501", "password": "secret", "users": ["0501", "0502"]}]))
    async with running(broker, sip_accounts_file=accounts) as system:
        one = await system.phone("0501", "secret", auth_user="s0501")
        other = await system.phone("0502", "secret", auth_user="s0501")

        assert [(await phone.register()).status for phone in (one, other)] == [200, 200]


PATH = "<sip:edge.example.com;lr;ob>"


async def test_calls_go_back_on_the_path_that_a_register_came_by(system: System) -> None:
    behind_an_edge = await system.phone()
    answer = await behind_an_edge.register(f"Path: {PATH}, <sip:inner@10.1.1.1;lr>", "Supported: path")
    caller = await system.other_phone()

    await caller.authenticated("MESSAGE", f"sip:gateway-monitor@{caller.domain}")
    message = await behind_an_edge.request("MESSAGE")

    assert answer.headers.get_all("Path") == [PATH, "<sip:inner@10.1.1.1;lr>"]
    assert message.headers.get_all("Route") == [PATH, "<sip:inner@10.1.1.1;lr>"]
    assert message.uri == behind_an_edge.contact


async def test_a_path_is_not_told_to_a_device_that_does_not_know_it(system: System) -> None:
    phone = await system.phone()

    answer = await phone.register(f"Path: {PATH}")

    assert answer.status == 200
    assert answer.headers.get_all("Path") == []


async def test_a_device_with_several_flows_is_called_on_the_newest(system: System) -> None:
    first, second = await system.phone(), await system.phone()
    named = '<{}>;+sip.instance="<urn:uuid:1>";reg-id={}'
    await first.register("Supported: outbound", contact=named.format(first.contact, 1))
    await second.register("Supported: outbound", contact=named.format(second.contact, 2))
    caller = await system.other_phone()

    await caller.authenticated("MESSAGE", f"sip:gateway-monitor@{caller.domain}")
    second.send(second.answer(await second.request("MESSAGE"), 200))

    assert (await caller.response("MESSAGE")).status == 200
    assert first.inbox == []


async def test_a_flow_over_tcp_is_promised_and_the_device_reached_on_it(system: System) -> None:
    phone = await system.phone(transport="tcp")
    contact = f'<{phone.contact};ob>;+sip.instance="<urn:uuid:1>";reg-id=1'

    answer = await phone.register("Supported: path, outbound", contact=contact)
    caller = await system.other_phone()
    await caller.authenticated("MESSAGE", f"sip:gateway-monitor@{caller.domain}")
    message = await phone.request("MESSAGE")
    phone.send(phone.answer(message, 200))

    assert (await caller.response("MESSAGE")).status == 200
    assert message.uri == f"{phone.contact};ob"
    assert answer.headers.get_all("Require") == ["outbound"]
    assert answer.headers.get("Flow-Timer") == "120"


async def test_without_the_broker_a_device_is_told_to_come_back(broker_process: BrokerProcess) -> None:
    async with running(broker_process) as system:
        phone: Phone = await system.phone()
        broker_process.stop()

        answer = await phone.register()

        assert answer.status == 503
        assert int(answer.headers.get("Retry-After") or 0) > 0
