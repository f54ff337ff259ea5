"""We as the outbound proxy between a device and its carrier: calls in both directions."""

import asyncio
import gc
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from shared.events import CallAnswered, CallEnded, CallStarted, MediaUpdated, RequestNotAllowed
from sip_proxy.sip.message import Request
from sip_proxy.sip.uri import parse_uri
from tests.conftest import BrokerProcess
from tests.integration.sip.calling import audio
from tests.integration.sip.carrier import DOMAIN, USERS, Carrier, StreamCarrier
from tests.integration.sip.conftest import running, tls_dir
from tests.integration.sip.name_server import NameServer
from tests.integration.sip.outside import AOR, USER, Outside, outside
from tests.integration.sip.phone import Call, Phone, sdp
from tests.paper_worker import MEDIA_ADDRESS
from tests.ports import free_port
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

NUMBER = "3905099999"


@pytest.fixture
async def world(broker: BrokerProcess) -> AsyncIterator[Outside]:
    async with outside(broker) as world:
        yield world


async def dialled(phone: Phone, carrier: Carrier) -> tuple[Request, bytes]:
    """An INVITE of a device that has got past the carrier's challenge: as it arrived, and as it was sent."""
    from_, call_id = f"<sip:{USER}@{DOMAIN}>;tag=dev", "call-of-the-device"
    uri = f"sip:{NUMBER}@{DOMAIN}"
    first = phone.write("INVITE", uri, from_=from_, call_id=call_id, body=sdp(4000))
    phone.send(first)
    invite = await carrier.request("INVITE")
    carrier.send(carrier.answer(invite, 407, f"Proxy-Authenticate: {carrier.challenge()}"))
    challenge = await phone.response("INVITE", 407)
    phone.send(phone.ack_refusal(first, challenge))
    await carrier.request("ACK")
    proof = phone.credentials(challenge, "INVITE", uri)
    second = phone.write("INVITE", uri, proof, from_=from_, call_id=call_id, body=sdp(4000))
    phone.send(second)
    return await carrier.request("INVITE"), second


async def talking_out(phone: Phone, carrier: Carrier) -> tuple[Call, Call]:
    """A call of the device that the carrier has answered, as each of them sees it."""
    invite, _ = await dialled(phone, carrier)
    carrier.send(carrier.answer(invite, 200, body=sdp(5000)))
    call = phone.caller_side(await phone.response("INVITE", 200))
    phone.send(phone.in_dialog("ACK", call))
    await carrier.request("ACK")
    return call, carrier.callee_side(invite, "callee")


async def talking_in(phone: Phone, carrier: Carrier) -> tuple[Call, Call]:
    """A call of the carrier that the device has answered, as each of them sees it."""
    carrier.call(carrier.bindings[USER], sdp(6000))
    invite = await phone.request("INVITE")
    phone.send(phone.answer(invite, 200, body=sdp(4000)))
    call = carrier.caller_side(await carrier.response("INVITE", 200))
    carrier.send(carrier.in_dialog("ACK", call))
    await phone.request("ACK")
    return phone.callee_side(invite, "callee"), call


async def hang_up(leaver: Phone, call: Call, stayer: Phone) -> None:
    leaver.send(leaver.in_dialog("BYE", call))
    stayer.send(stayer.answer(await stayer.request("BYE"), 200))
    assert (await leaver.response("BYE")).status == 200


async def test_a_call_to_the_carrier_is_authenticated_by_it_and_anchored_by_us(world: Outside) -> None:
    phone = await world.registered()

    invite, sent = await dialled(phone, world.carrier)
    world.carrier.send(world.carrier.answer(invite, 183, body=sdp(5000)))
    await phone.response("INVITE", 183)
    world.carrier.send(world.carrier.answer(invite, 200, body=sdp(5000)))
    answer = await phone.response("INVITE", 200)

    assert world.carrier.is_authentic(invite)
    text = sent.decode()
    assert invite.uri == f"sip:{NUMBER}@{DOMAIN}"
    for name in ("From", "To", "Call-ID", "CSeq", "Contact", "Proxy-Authorization"):
        assert f"{name}: {invite.headers.get(name)}\r\n" in text
    [media] = await world.system.media()
    assert isinstance(media, MediaUpdated)
    ports = {leg.party: leg.port for leg in media.legs}
    assert (audio(invite).address, audio(invite).port) == (MEDIA_ADDRESS, ports["callee"])
    assert (audio(answer).address, audio(answer).port) == (MEDIA_ADDRESS, ports["caller"])
    [started] = world.system.told(CallStarted)
    assert (started.caller, started.callee) == (AOR, f"{NUMBER}@{DOMAIN}")
    assert len(await world.system.hears(CallAnswered)) == 1


@pytest.mark.parametrize("direction", ["out", "in"])
@pytest.mark.parametrize("leaver", ["device", "carrier"])
async def test_either_side_hangs_up(world: Outside, direction: str, leaver: str) -> None:
    phone, carrier = await world.registered(), world.carrier
    mine, theirs = await (talking_out if direction == "out" else talking_in)(phone, carrier)

    if leaver == "device":
        await hang_up(phone, mine, carrier)
    else:
        await hang_up(carrier, theirs, phone)

    [ended] = await world.system.hears(CallEnded)
    assert ended.hangup_by == ("caller" if (direction == "out") == (leaver == "device") else "callee")
    assert await world.system.media() == []
    assert len(world.system.told(CallStarted)) == 1


async def test_an_invite_that_the_carrier_challenges_makes_no_call(world: Outside) -> None:
    phone = await world.registered()

    first = phone.write("INVITE", f"sip:{NUMBER}@{DOMAIN}", body=sdp(4000))
    phone.send(first)
    invite = await world.carrier.request("INVITE")
    world.carrier.send(world.carrier.answer(invite, 407, f"Proxy-Authenticate: {world.carrier.challenge()}"))
    challenge = await phone.response("INVITE", 407)

    assert challenge.headers.get("Proxy-Authenticate") == world.carrier.challenge()
    await wait_until(lambda: world.system.app.counters()["calls"] == 0, "the end of the attempt")
    assert await world.system.media() == []
    assert not world.system.told(CallStarted)
    assert not world.system.told(CallEnded)


@pytest.mark.parametrize("status", [404, 486, 603])
async def test_a_call_that_the_carrier_refuses_is_told_with_its_code(world: Outside, status: int) -> None:
    phone = await world.registered()

    invite, _ = await dialled(phone, world.carrier)
    world.carrier.send(world.carrier.answer(invite, status))

    assert (await phone.response("INVITE", status)).status == status
    [ended] = await world.system.hears(CallEnded)
    assert (ended.final_code, ended.hangup_by) == (status, "callee")
    assert len(world.system.told(CallStarted)) == 1


async def test_a_call_to_a_carrier_that_is_down_is_told_as_unavailable(world: Outside) -> None:
    phone = await world.registered()
    world.carrier.silent = True

    phone.send(phone.write("INVITE", f"sip:{NUMBER}@{DOMAIN}", body=sdp(4000)))
    answer = await phone.response("INVITE")

    assert answer.status == 503
    assert answer.headers.get("Retry-After")
    [ended] = await world.system.hears(CallEnded)
    assert (ended.final_code, ended.hangup_by) == (503, "proxy")
    assert await world.system.media() == []


async def test_the_caller_gives_up_while_the_carrier_rings(world: Outside) -> None:
    phone = await world.registered()
    invite, sent = await dialled(phone, world.carrier)
    world.carrier.send(world.carrier.answer(invite, 180))
    await phone.response("INVITE", 180)

    phone.send(phone.cancel(sent))
    cancel = await world.carrier.request("CANCEL")
    world.carrier.send(world.carrier.answer(cancel, 200))
    world.carrier.send(world.carrier.answer(invite, 487))

    assert (await phone.response("INVITE", 487)).status == 487
    [ended] = await world.system.hears(CallEnded)
    assert (ended.hangup_by, ended.final_code) == ("caller", 487)


async def test_a_call_of_the_carrier_reaches_the_device_where_it_is(world: Outside) -> None:
    phone = await world.registered()

    world.carrier.call(world.carrier.bindings[USER], sdp(6000))
    invite = await phone.request("INVITE")
    phone.send(phone.answer(invite, 200, body=sdp(4000)))
    answer = await world.carrier.response("INVITE", 200)

    assert invite.uri == phone.contact  # a private address: it came on the flow of the REGISTER
    assert not invite.routes
    [media] = await world.system.media()
    ports = {leg.party: leg.port for leg in media.legs}
    assert (audio(invite).address, audio(invite).port) == (MEDIA_ADDRESS, ports["callee"])
    assert audio(answer).port == ports["caller"]
    [started] = await world.system.hears(CallStarted)
    assert (started.caller, started.callee) == (f"0800000000@{DOMAIN}", AOR)


async def test_a_carrier_that_goes_by_the_path_reaches_it_too(world: Outside) -> None:
    phone = await world.device()
    answer = await phone.register("Supported: path")

    route = f"Route: {answer.headers.get('Path')}"
    world.carrier.send(world.carrier.write("INVITE", "sip:whoever@10.0.0.9", route))

    assert (await phone.request("INVITE")).uri == phone.contact


@pytest.mark.parametrize("method", ["INVITE", "UPDATE", "PRACK", "REFER", "INFO", "MESSAGE"])
@pytest.mark.parametrize("sender", ["device", "carrier"])
@pytest.mark.parametrize("direction", ["out", "in"])
async def test_what_happens_inside_a_call_passes_both_ways(
    world: Outside, direction: str, sender: str, method: str
) -> None:
    phone, carrier = await world.registered(), world.carrier
    mine, theirs = await (talking_out if direction == "out" else talking_in)(phone, carrier)
    one, other, call = (phone, carrier, mine) if sender == "device" else (carrier, phone, theirs)
    body = sdp(4444) if method in ("INVITE", "UPDATE") else b""

    one.send(one.in_dialog(method, call, "Refer-To: <sip:1@elsewhere.example>", "RAck: 1 1 INVITE", body=body))
    request = await other.request(method)
    other.send(other.answer(request, 200, body=sdp(5555) if body else b""))
    answer = await one.response(method, 200)

    assert request.uri == call.target
    if body:
        assert audio(request).address == audio(answer).address == MEDIA_ADDRESS


@pytest.mark.parametrize("guess", ["", "aaaa", "zz" * 40])
async def test_an_intruder_with_a_guessed_token_is_refused(world: Outside, guess: str) -> None:
    phone = await world.registered()
    intruder = await world.system.phone("intruder", "none")

    intruder.send(intruder.write("INVITE", f"sip:{USER}@{world.system.app.address};vqm={guess}", body=sdp(4000)))

    assert (await intruder.response("INVITE")).status == 403
    [refused] = await world.system.hears(RequestNotAllowed)
    assert refused.reason == "unknown contact token"
    assert world.system.told(CallStarted) == []
    assert not any(isinstance(message, Request) for message in phone.inbox)


class Elsewhere(Phone):
    """A phone at another address of this machine."""

    async def connect(self) -> None:
        await asyncio.get_running_loop().create_datagram_endpoint(lambda: self, local_addr=("127.0.0.2", 0))


@pytest.mark.parametrize("method", ["INVITE", "OPTIONS"])
async def test_a_token_that_was_overheard_helps_nobody_else(world: Outside, method: str) -> None:
    phone = await world.registered()
    async with Elsewhere(world.system.app.address, "intruder", "none") as intruder:
        intruder.send(intruder.write(method, world.carrier.bindings[USER], body=sdp(4000)))

        assert (await intruder.response(method)).status == 403

    [refused] = await world.system.hears(RequestNotAllowed)
    assert refused.reason == "not an address of the carrier"
    assert world.system.told(CallStarted) == []
    assert not any(isinstance(message, Request) for message in phone.inbox)


async def test_other_networks_of_the_carrier_can_be_named(broker: BrokerProcess) -> None:
    async with outside(broker, carrier_networks="127.0.0.2/32") as world:
        phone = await world.registered()
        async with Elsewhere(world.system.app.address, "0800000000", "none") as gateway:
            gateway.send(gateway.write("INVITE", world.carrier.bindings[USER], body=sdp(4000)))

            assert (await phone.request("INVITE")).uri == phone.contact


async def test_a_call_that_is_over_is_not_taken_up_again(world: Outside) -> None:
    phone = await world.registered()
    to = f"<sip:{AOR}>;tag=of-a-call-that-was"

    world.carrier.send(world.carrier.write("INVITE", world.carrier.bindings[USER], to=to, body=sdp(6000)))

    assert (await world.carrier.response("INVITE")).status == 481
    assert world.system.told(CallStarted) == []
    assert not any(isinstance(message, Request) for message in phone.inbox)


async def test_a_device_that_the_carrier_still_knows_but_we_do_not_is_unavailable(world: Outside) -> None:
    phone = await world.registered()
    contact = world.carrier.bindings[USER]
    await phone.register(expires=0)

    world.carrier.call(contact, sdp(6000))

    assert (await world.carrier.response("INVITE")).status == 480
    assert world.system.told(CallStarted) == []


async def test_after_a_restart_calls_go_on_and_new_ones_reach_the_device(broker: BrokerProcess) -> None:
    async with Carrier() as carrier:
        settings: dict[str, Any] = {
            "carriers": f"{DOMAIN}=sip:{carrier.address}",
            "sip_port": free_port(),
            "sip_transports": "udp",
        }
        async with AsyncExitStack() as stack:
            async with running(broker, **settings) as before:
                carrier.proxy = before.app.address
                phone = await stack.enter_async_context(Phone(carrier.proxy, USER, USERS[USER]))
                phone.domain = DOMAIN
                assert (await phone.register()).status == 200
                mine, _ = await talking_out(phone, carrier)
            async with running(broker, flush=False, **settings) as after:
                await hang_up(phone, mine, carrier)
                [ended] = await after.hears(CallEnded)
                await talking_in(phone, carrier)

                assert ended.call_id == mine.call_id
                assert after.told(CallStarted)[0].callee == AOR


@pytest.mark.parametrize("transport", ["udp", "tcp"])
async def test_another_proxy_leads_the_call_to_the_device_too(broker: BrokerProcess, transport: str) -> None:
    async with outside(broker) as world:
        phone = await world.device(transport=transport)
        assert (await phone.register()).status == 200
        more: dict[str, Any] = {"carriers": DOMAIN, "dns_servers": str(world.names.address)}
        async with running(broker, worker=False, flush=False, instance="proxy-2", **more) as other:
            await wait_until(lambda: world.system.app.neighbours == other.app.neighbours == 1, "the two")
            world.carrier.proxy = other.app.address  # as if the first had died, or behind one address

            _, theirs = await talking_in(phone, world.carrier)
            await hang_up(world.carrier, theirs, phone)

            [ended] = await other.hears(CallEnded)
            assert ended.hangup_by == "caller"


async def test_a_connection_to_the_carrier_that_is_lost_is_made_again(broker: BrokerProcess) -> None:
    async with (
        StreamCarrier() as carrier,
        running(broker, carriers=f"{DOMAIN}=sip:{carrier.address};transport=tcp") as system,
    ):
        phone = await system.phone(USER, USERS[USER])
        phone.domain = DOMAIN
        assert (await phone.register()).status == 200
        mine, _ = await talking_out(phone, carrier)
        carrier.hang_up()
        await wait_until(lambda: system.app.counters()["tcp_connections"] == 0, "the end of the connection")

        await hang_up(phone, mine, carrier)

        assert carrier.connections == 2


async def test_what_is_too_large_for_a_datagram_goes_by_tcp_where_that_can_be(broker: BrokerProcess) -> None:
    large = f"X-Large: {'x' * 1100}"
    async with (
        Carrier() as carrier,
        StreamCarrier(carrier.port) as stream,
        running(broker, carriers=f"{DOMAIN}=sip:{carrier.address}") as system,
    ):
        carrier.proxy = system.app.address
        phone = await system.phone(USER, USERS[USER])

        phone.send(phone.write("OPTIONS", f"sip:{DOMAIN}"))
        small = await carrier.request("OPTIONS")
        phone.send(phone.write("OPTIONS", f"sip:{DOMAIN}", large))

        assert small.top_via().transport == "UDP"
        assert (await stream.request("OPTIONS")).top_via().transport == "TCP"


@pytest.mark.parametrize(
    ("next_hop", "changes"), [("", {}), (";transport=udp", {}), ("", {"carrier_tcp_when_large": False})]
)
async def test_it_stays_on_udp_where_it_cannot(broker: BrokerProcess, next_hop: str, changes: dict[str, Any]) -> None:
    large = f"X-Large: {'x' * 1100}"
    async with (
        Carrier() as carrier,
        running(broker, carriers=f"{DOMAIN}=sip:{carrier.address}{next_hop}", **changes) as system,
    ):
        carrier.proxy = system.app.address
        phone = await system.phone(USER, USERS[USER])

        phone.send(phone.write("OPTIONS", f"sip:{DOMAIN}", large))

        assert (await carrier.request("OPTIONS")).top_via().transport == "UDP"


def certified() -> ssl.SSLContext:
    """A server that proves to be localhost."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tls_dir() / "server.crt", tls_dir() / "server.key")
    return context


async def test_a_carrier_on_tls_is_reached_from_a_device_on_udp(broker: BrokerProcess) -> None:
    zone = {("localhost", "A"): ("127.0.0.1",)}
    async with AsyncExitStack() as stack:
        names = await stack.enter_async_context(NameServer(zone))
        carrier = await stack.enter_async_context(StreamCarrier(tls=certified()))
        settings: dict[str, Any] = {
            "carriers": f"{DOMAIN}=sip:localhost:{carrier.port};transport=tls",
            "dns_servers": str(names.address),
            "tls_ca_file": tls_dir() / "ca.crt",
        }
        system = await stack.enter_async_context(running(broker, **settings))
        phone = await system.phone(USER, USERS[USER])
        phone.domain = DOMAIN
        assert (await phone.register()).status == 200

        mine, _ = await talking_out(phone, carrier)
        await hang_up(phone, mine, carrier)
        _, theirs = await talking_in(phone, carrier)
        await hang_up(carrier, theirs, phone)

        assert parse_uri(carrier.bindings[USER]).param("transport") == "tls"
        assert carrier.connections == 1


async def test_a_server_whose_certificate_is_for_another_name_gets_nothing(broker: BrokerProcess) -> None:
    zone = {(f"sbc.{DOMAIN}", "A"): ("127.0.0.1",)}
    async with AsyncExitStack() as stack:
        names = await stack.enter_async_context(NameServer(zone))
        carrier = await stack.enter_async_context(StreamCarrier(tls=certified()))
        settings: dict[str, Any] = {
            "carriers": f"{DOMAIN}=sip:sbc.{DOMAIN}:{carrier.port};transport=tls",
            "dns_servers": str(names.address),
            "tls_ca_file": tls_dir() / "ca.crt",
        }
        system = await stack.enter_async_context(running(broker, **settings))
        phone = await system.phone(USER, USERS[USER])

        phone.send(phone.write("OPTIONS", f"sip:{DOMAIN}"))

        assert (await phone.response("OPTIONS")).status == 503
        assert carrier.inbox == []


async def test_a_connection_that_ends_with_us_has_nobody_to_tell(broker: BrokerProcess) -> None:
    async with StreamCarrier() as carrier:
        async with running(broker, carriers=f"{DOMAIN}=sip:{carrier.address};transport=tcp") as system:
            phone = await system.phone(USER, USERS[USER])
            phone.send(phone.write("OPTIONS", f"sip:{DOMAIN}"))
            await carrier.request("OPTIONS")  # never answered
        await carrier.hung_up.wait()

    gc.collect()  # what was begun and never awaited is told of here, and fails the test
