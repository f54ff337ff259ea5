"""SIP over TCP and TLS: calls in every combination, and connections that misbehave."""

import asyncio
import ssl
from pathlib import Path

import pytest

from shared.events import CallAnswered, CallEnded
from sip_proxy.effects import Transport
from sip_proxy.sip.message import Response
from tests.conftest import BrokerProcess
from tests.integration.sip.conftest import System, running, tls_dir
from tests.integration.sip.phone import HOST, sdp
from tests.waiting import wait_until
from vqm_local.certificates import make_certificates

pytestmark = pytest.mark.integration

TRANSPORTS: tuple[Transport, ...] = ("udp", "tcp", "tls")


@pytest.mark.parametrize("callee_transport", TRANSPORTS)
@pytest.mark.parametrize("caller_transport", TRANSPORTS)
async def test_a_call_crosses_every_pair_of_transports(
    system: System, caller_transport: Transport, callee_transport: Transport
) -> None:
    alice = await system.phone(transport=caller_transport)
    bob = await system.other_phone(transport=callee_transport)
    await bob.register()

    await alice.invite("gateway-test", body=sdp(4000))
    invite = await bob.request("INVITE")
    bob.send(bob.answer(invite, 180))
    bob.send(bob.answer(invite, 200, body=sdp(5000)))
    answer = await alice.response("INVITE", 200)
    call = alice.caller_side(answer)
    alice.send(alice.in_dialog("ACK", call))
    await bob.request("ACK")
    from_bob = bob.callee_side(invite, "callee")
    bob.send(bob.in_dialog("BYE", from_bob))
    bye = await alice.request("BYE")
    alice.send(alice.answer(bye, 200))
    goodbye = await bob.response("BYE")

    assert goodbye.status == 200
    assert invite.top_via().transport == callee_transport.upper()
    assert bye.top_via().transport == caller_transport.upper()
    routes = [str(route.uri.param("transport")) for route in invite.record_routes]
    expected = [callee_transport, caller_transport] if callee_transport != caller_transport else [callee_transport]
    assert routes == expected
    await system.hears(CallAnswered)
    [ended] = await system.hears(CallEnded)
    assert ended.hangup_by == "callee"


async def test_a_length_that_datagrams_may_leave_out_is_added_on_streams(system: System) -> None:
    alice, bob = await system.phone(), await system.other_phone(transport="tcp")
    await asyncio.gather(alice.register(), bob.register())

    await alice.invite("gateway-test", body=sdp(4000))
    invite = await bob.request("INVITE")
    bob.send(bob.answer(invite, 200, body=sdp(5000)))
    call = alice.caller_side(await alice.response("INVITE", 200))
    alice.send(_without_length(alice.in_dialog("ACK", call)))
    ack = await bob.request("ACK")
    bob.send(bob.in_dialog("BYE", bob.callee_side(invite, "callee")))
    alice.send(_without_length(alice.answer(await alice.request("BYE"), 200)))
    goodbye = await bob.response("BYE")

    assert ack.headers.get("Content-Length") == goodbye.headers.get("Content-Length") == "0"


@pytest.mark.parametrize("transport", ["tcp", "tls"])
async def test_a_double_crlf_is_answered_with_one(system: System, transport: Transport) -> None:
    phone = await system.phone(transport=transport)

    phone.send(b"\r\n\r\n")

    await wait_until(lambda: phone.pongs == 1, "the pong")


@pytest.mark.parametrize("transport", ["tcp", "tls"])
async def test_a_message_without_content_length_is_refused_and_the_connection_closed(
    system: System, transport: Transport
) -> None:
    phone = await system.phone(transport=transport)

    phone.send(_without_length(phone.write("OPTIONS", f"sip:{phone.domain}")))

    answer = await phone.response("OPTIONS")
    assert (answer.status, answer.reason) == (400, "Missing Content-Length")
    async with asyncio.timeout(5):
        await phone.hung_up.wait()


async def test_a_bad_message_in_a_sound_frame_leaves_the_connection_open(system: System) -> None:
    phone = await system.phone(transport="tcp")

    phone.send(phone.write("OPTIONS", f"sip:{phone.domain}").replace(b"Max-Forwards: 70", b"Max-Forwards: many"))
    phone.send(phone.write("OPTIONS", f"sip:{phone.domain}"))

    assert [(await phone.response("OPTIONS")).status for _ in range(2)] == [400, 200]


@pytest.mark.parametrize(
    "octets", [b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n", b"\x03\x00\x00\x13\x0e\xe0", b"\x16\x03\x01"]
)
async def test_other_protocols_are_hung_up_on_without_a_word(system: System, octets: bytes) -> None:
    reader, writer = await asyncio.open_connection(*system.app.address)

    writer.write(octets)

    async with asyncio.timeout(5):
        assert await reader.read() == b""
    writer.close()


async def test_a_message_that_does_not_come_to_its_end_costs_the_connection(broker: BrokerProcess) -> None:
    async with running(broker, sip_message_timeout_s=0.3) as system:
        reader, writer = await asyncio.open_connection(*system.app.address)
        async with asyncio.timeout(5):
            writer.write(b"OPTIONS sip:example.com SIP/2.0\r\n")
            assert await reader.read() == b""
        writer.close()


async def test_connections_are_counted_by_host_and_in_all(broker: BrokerProcess) -> None:
    async with running(broker, sip_max_connections_per_host=2) as system:
        phones = [await system.phone(transport="tcp") for _ in range(3)]

        async with asyncio.timeout(5):
            await phones[2].hung_up.wait()
        phones[0].send(phones[0].write("OPTIONS", f"sip:{phones[0].domain}"))

        assert (await phones[0].response("OPTIONS")).status == 200
        assert system.app.counters()["tcp_connections"] == 2
        phones[1].hang_up()
        await wait_until(lambda: system.app.counters()["tcp_connections"] == 1, "room for another")


async def test_a_device_whose_connection_is_gone_cannot_be_called_until_it_comes_back(system: System) -> None:
    alice = await system.phone()
    bob = await system.other_phone(transport="tcp")
    await bob.register()
    bob.hang_up()
    await bob.hung_up.wait()
    await wait_until(lambda: system.app.counters()["tcp_connections"] == 0, "the end of the connection")

    await alice.invite("gateway-test", body=sdp(4000))
    refused = await alice.response("INVITE")
    await bob.connect()
    await bob.register()
    await alice.invite("gateway-test", body=sdp(4000))
    invite = await bob.request("INVITE")
    bob.send(bob.answer(invite, 486))

    assert refused.status == 480
    assert isinstance(await alice.response("INVITE", 486), Response)


async def test_a_sips_target_never_leaves_tls(system: System) -> None:
    alice = await system.phone(transport="tls")
    bob = await system.other_phone()
    await bob.register()

    await alice.authenticated("INVITE", f"sips:gateway-test@{alice.domain}", body=sdp(4000))

    assert (await alice.response("INVITE")).status == 480


async def test_a_sips_call_stays_on_tls_from_end_to_end(system: System) -> None:
    alice = await system.phone(transport="tls")
    bob = await system.other_phone(transport="tls")
    await bob.register()

    await alice.authenticated("INVITE", f"sips:gateway-test@{alice.domain}", body=sdp(4000))
    invite = await bob.request("INVITE")
    bob.send(bob.answer(invite, 486))

    assert [route.uri.scheme for route in invite.record_routes] == ["sips"]
    assert (await alice.response("INVITE")).status == 486


async def test_a_sips_request_on_an_open_transport_is_refused(system: System) -> None:
    alice = await system.phone(transport="tcp")

    alice.send(alice.write("INVITE", f"sips:gateway-test@{alice.domain}", body=sdp(4000)))

    assert (await alice.response("INVITE")).status == 403


async def test_a_new_certificate_is_shown_without_a_restart(broker: BrokerProcess, tmp_path: Path) -> None:
    make_certificates(tmp_path, ["localhost"])
    async with running(broker, tls_dir=tmp_path) as system:
        trusting = ssl.create_default_context(cafile=str(tmp_path / "ca.crt"))
        before = await _certificate(system, trusting)
        make_certificates(tmp_path, ["localhost"])

        async def changed() -> bool:
            return await _certificate(system, trusting) != before

        await wait_until(changed, "the new certificate", within_s=15)


async def test_the_certificate_is_chosen_by_the_name_that_is_asked_for(broker: BrokerProcess, tmp_path: Path) -> None:
    for name in ("voice.example.com", "localhost"):
        make_certificates(tmp_path, [name])
        (tmp_path / "server.crt").rename(tmp_path / f"{name}.crt")
        (tmp_path / "server.key").rename(tmp_path / f"{name}.key")
    make_certificates(tmp_path, ["other.example.com"])
    async with running(broker, tls_dir=tmp_path) as system:
        trusting = ssl.create_default_context(cafile=str(tmp_path / "ca.crt"))

        for name in ("voice.example.com", "localhost", "other.example.com"):
            assert await _certificate(system, trusting, name)


async def test_old_tls_is_not_spoken(system: System) -> None:
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    with pytest.warns(DeprecationWarning):
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    old.set_ciphers("DEFAULT@SECLEVEL=0")

    with pytest.raises(ssl.SSLError):
        await _certificate(system, old)


async def test_a_client_certificate_can_be_required(broker: BrokerProcess) -> None:
    async with running(
        broker, tls_client_certificates="required", tls_ca_file=tls_dir() / "ca.crt", flush=True
    ) as system:
        showing = ssl.create_default_context(cafile=str(tls_dir() / "ca.crt"))
        showing.load_cert_chain(tls_dir() / "server.crt", tls_dir() / "server.key")
        phone = await system.phone(transport="tls", tls=showing)
        assert (await phone.register()).status == 200

        stranger = await system.phone(transport="tls")
        async with asyncio.timeout(5):
            await stranger.hung_up.wait()  # TLS 1.3 tells a client of its refusal only after the handshake


def _without_length(octets: bytes) -> bytes:
    return octets.replace(b"Content-Length: 0\r\n", b"")


async def _certificate(system: System, context: ssl.SSLContext, name: str = "localhost") -> bytes:
    assert system.app.secure_address is not None
    _, writer = await asyncio.open_connection(HOST, system.app.secure_address.port, ssl=context, server_hostname=name)
    shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    await writer.wait_closed()
    assert isinstance(shown, bytes)
    return shown
