"""Offers and answers in every message that may carry them: rewritten, and taken over when they hold."""

from collections.abc import Callable

import pytest

from shared.events import CallAnswered, CallUpdated, MediaAssigned, MediaLeg, MediaUpdated, Party, SipMessageSeen
from sip_proxy.sip.message import Request, Response
from tests.integration.sip.calling import audio, registered, talking
from tests.integration.sip.conftest import System
from tests.integration.sip.phone import PCMA_OFFER, Phone, sdp
from tests.paper_worker import MEDIA_ADDRESS
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

FAX = """\
v=0
o=- 100 2 IN IP4 10.0.0.9
s=-
c=IN IP4 10.0.0.9
t=0 0
m=image {port} udptl t38
a=T38FaxVersion:0
"""
RELIABLE = ("Require: 100rel", "RSeq: 1")


async def legs(system: System) -> dict[Party, MediaLeg]:
    [media] = await system.media()
    return {leg.party: leg for leg in media.legs}


async def media_becomes(system: System, what: Callable[[MediaAssigned | MediaUpdated], bool], which: str) -> None:
    async def is_so() -> bool:
        [media] = await system.media()
        return what(media)

    await wait_until(is_so, which)


async def remote_ports(system: System) -> list[int | None]:
    [media] = await system.media()
    return [leg.remote_port for leg in media.legs]


def version(message: Request | Response) -> int:
    return int(message.body.split(b"o=- 100 ")[1].split()[0])


async def ringing_reliably(alice: Phone, bob: Phone, offer: bytes, description: bytes) -> tuple[Request, Response]:
    """A call that bob's 183 has described reliably (RFC 3262)."""
    await alice.invite("gateway-test", "Supported: 100rel", body=offer)
    invite = await bob.request("INVITE")
    bob.send(bob.answer(invite, 183, *RELIABLE, body=description))
    return invite, await alice.response("INVITE", 183)


async def test_an_offer_in_the_200_is_answered_in_the_ack(system: System) -> None:
    alice, bob = await registered(system)

    await alice.invite("gateway-test")
    invite = await bob.request("INVITE")
    bob.send(bob.answer(invite, 200, body=sdp(5000)))
    offer = await alice.response("INVITE")
    alice.send(alice.in_dialog("ACK", alice.caller_side(offer), body=sdp(4000)))
    answer = await bob.request("ACK")

    ports = await legs(system)
    assert invite.body == b""
    assert (audio(offer).address, audio(offer).port) == (MEDIA_ADDRESS, ports["caller"].port)
    assert (audio(answer).address, audio(answer).port) == (MEDIA_ADDRESS, ports["callee"].port)
    assert await remote_ports(system) == [4000, 5000]
    assert system.told(CallAnswered)[0].codec == "PCMA"


async def test_an_offer_in_a_reliable_183_is_answered_in_the_prack(system: System) -> None:
    alice, bob = await registered(system)

    invite, offer = await ringing_reliably(alice, bob, b"", sdp(5000))
    call = alice.caller_side(offer)
    alice.send(alice.in_dialog("PRACK", call, "RAck: 1 2 INVITE", body=sdp(4000)))
    prack = await bob.request("PRACK")
    bob.send(bob.answer(prack, 200))
    await alice.response("PRACK")
    bob.send(bob.answer(invite, 200))
    answer = await alice.response("INVITE")

    ports = await legs(system)
    assert audio(offer).port == ports["caller"].port
    assert audio(prack).port == ports["callee"].port
    assert prack.headers.get("RAck") == "1 2 INVITE"
    assert answer.body == b""
    assert await remote_ports(system) == [4000, 5000]


async def test_a_prack_and_an_update_may_carry_new_offers_while_it_rings(system: System) -> None:
    alice, bob = await registered(system)

    _, progress = await ringing_reliably(alice, bob, sdp(4000), sdp(5000))
    call = alice.caller_side(progress)
    for method, port in (("PRACK", 10), ("UPDATE", 20)):
        alice.send(alice.in_dialog(method, call, body=sdp(4000 + port)))
        offer = await bob.request(method)
        before = await remote_ports(system)
        bob.send(bob.answer(offer, 200, body=sdp(5000 + port)))
        answer = await alice.response(method)

        ports = await legs(system)
        assert (audio(offer).port, audio(answer).port) == (ports["callee"].port, ports["caller"].port)
        assert before == [4000 + port - 10, 5000 + port - 10]  # an offer changes nothing until it is answered
        assert await remote_ports(system) == [4000 + port, 5000 + port]
    assert system.told(CallUpdated) == []  # nothing has been answered yet that could be updated


async def test_the_callee_may_change_the_session_too(system: System) -> None:
    alice, bob = await registered(system)
    _, bobs_call = await talking(alice, bob)

    bob.send(bob.in_dialog("UPDATE", bobs_call, body=sdp(5002).replace(b"sendrecv", b"sendonly")))
    offer = await alice.request("UPDATE")
    alice.send(alice.answer(offer, 200, body=sdp(4002).replace(b"sendrecv", b"recvonly")))
    answer = await bob.response("UPDATE")

    ports = await legs(system)
    assert (audio(offer).port, audio(answer).port) == (ports["caller"].port, ports["callee"].port)
    assert (audio(offer).direction, audio(answer).direction) == ("sendonly", "recvonly")
    assert await remote_ports(system) == [4002, 5002]
    [update] = await system.hears(CallUpdated)
    assert (update.by, update.on_hold) == ("callee", True)


async def test_a_re_invite_without_an_offer_gets_one(system: System) -> None:
    alice, bob = await registered(system)
    call, _ = await talking(alice, bob)

    alice.send(alice.in_dialog("INVITE", call))
    bob.send(bob.answer(await bob.request("INVITE"), 200, body=sdp(5002)))
    offer = await alice.response("INVITE")
    alice.send(alice.in_dialog("ACK", call, body=sdp(4002)))
    answer = await bob.request("ACK")

    ports = await legs(system)
    assert (audio(offer).port, audio(answer).port) == (ports["caller"].port, ports["callee"].port)
    assert await remote_ports(system) == [4002, 5002]


@pytest.mark.parametrize("refusal", [488, 491, 500])
async def test_a_refused_offer_never_reaches_the_relay(system: System, refusal: int) -> None:
    alice, bob = await registered(system)
    call, _ = await talking(alice, bob)
    [before] = await system.media()

    alice.send(alice.in_dialog("INVITE", call, body=sdp(4444)))
    reinvite = await bob.request("INVITE")
    bob.send(bob.answer(reinvite, 183, body=sdp(5555)))  # unreliable: it binds nobody
    await alice.response("INVITE", 183)
    [meanwhile] = await system.media()
    bob.send(bob.answer(reinvite, refusal, "Retry-After: 5"))
    answer = await alice.response("INVITE")

    [after] = await system.media()
    assert (answer.status, answer.headers.get("Retry-After")) == (refusal, "5")
    assert before == meanwhile == after
    assert system.told(CallUpdated) == []


async def test_offers_that_cross_are_both_refused_and_leave_no_trace(system: System) -> None:
    alice, bob = await registered(system)
    call, bobs_call = await talking(alice, bob)
    [before] = await system.media()

    alice.send(alice.in_dialog("INVITE", call, body=sdp(4444)))
    alices = await bob.request("INVITE")
    bob.send(bob.in_dialog("INVITE", bobs_call, body=sdp(5555)))
    bobs = await alice.request("INVITE")
    bob.send(bob.answer(alices, 491))
    assert (await alice.response("INVITE")).status == 491
    alice.send(alice.answer(bobs, 491))
    assert (await bob.response("INVITE")).status == 491

    assert await system.media() == [before]


async def test_a_refresh_is_one_to_the_other_side_and_a_change_raises_the_version(system: System) -> None:
    alice, bob = await registered(system)
    await alice.invite("gateway-test", body=sdp(4000))
    first = await bob.request("INVITE")
    bob.send(bob.answer(first, 200, body=sdp(5000)))
    call = alice.caller_side(await alice.response("INVITE"))
    alice.send(alice.in_dialog("ACK", call))
    await bob.request("ACK")

    seen = []
    hold = sdp(4000).replace(b"100 1", b"100 2").replace(b"sendrecv", b"inactive")
    for body in (sdp(4000), hold, sdp(4000, FAX).replace(b"100 2", b"100 3")):
        alice.send(alice.in_dialog("INVITE", call, body=body))
        reinvite = await bob.request("INVITE")
        bob.send(bob.answer(reinvite, 200, body=body.replace(b"4000", b"5000")))
        await alice.response("INVITE")
        alice.send(alice.in_dialog("ACK", call))
        await bob.request("ACK")
        seen.append(reinvite)

    assert seen[0].body == first.body
    assert [version(message) for message in (first, *seen)] == [2, 2, 3, 4]
    assert all(f" IN IP4 {MEDIA_ADDRESS}\r\n".encode() in message.body for message in seen)
    assert len(system.told(CallUpdated)) == 3 - 1  # the refresh was none


async def test_a_call_becomes_a_fax_and_a_call_again(system: System) -> None:
    alice, bob = await registered(system)
    call, bobs_call = await talking(alice, bob)
    [before] = await system.media()

    bob.send(bob.in_dialog("INVITE", bobs_call, body=sdp(5010, FAX)))
    offer = await alice.request("INVITE")
    alice.send(alice.answer(offer, 200, body=sdp(4010, FAX)))
    answer = await bob.response("INVITE")
    bob.send(bob.in_dialog("ACK", bobs_call))
    await alice.request("ACK")
    [during] = await system.media()
    alice.send(alice.in_dialog("INVITE", call, body=sdp(4000)))
    bob.send(bob.answer(await bob.request("INVITE"), 200, body=sdp(5000)))
    await alice.response("INVITE")

    assert b"c=IN IP4 10.0.0.9\r\nt=0 0\r\nm=image 5010 udptl t38\r\na=T38FaxVersion:0\r\n" in offer.body
    assert b"c=IN IP4 10.0.0.9\r\nt=0 0\r\nm=image 4010 udptl t38\r\na=T38FaxVersion:0\r\n" in answer.body
    assert during.legs == before.legs
    assert [update.codec for update in await system.hears(CallUpdated, 2)] == ["T38", "PCMA"]
    assert await remote_ports(system) == [4000, 5000]


@pytest.mark.parametrize(
    ("hold", "back"),
    [
        (("a=sendrecv", "a=sendonly"), ("a=sendrecv", "a=recvonly")),
        (("a=sendrecv", "a=inactive"), ("a=sendrecv", "a=inactive")),
        (("c=IN IP4 10.0.0.9", "c=IN IP4 0.0.0.0"), ("a=sendrecv", "a=recvonly")),
    ],
)
async def test_every_kind_of_hold_passes_as_it_is_and_is_told(
    system: System, hold: tuple[str, str], back: tuple[str, str]
) -> None:
    alice, bob = await registered(system)
    call, _ = await talking(alice, bob)
    offered, answered = PCMA_OFFER.replace(*hold), PCMA_OFFER.replace(*back)

    alice.send(alice.in_dialog("INVITE", call, body=sdp(4000, offered)))
    offer = await bob.request("INVITE")
    bob.send(bob.answer(offer, 200, body=sdp(5000, answered)))
    answer = await alice.response("INVITE")

    assert hold[1].encode() in offer.body
    assert back[1].encode() in answer.body
    assert [update.on_hold for update in await system.hears(CallUpdated)] == [True]


async def test_what_an_options_answer_could_do_changes_nothing(system: System) -> None:
    alice, bob = await registered(system)
    call, _ = await talking(alice, bob)
    [before] = await system.media()

    alice.send(alice.in_dialog("OPTIONS", call))
    bob.send(bob.answer(await bob.request("OPTIONS"), 200, body=sdp(5999)))
    answer = await alice.response("OPTIONS")

    assert audio(answer).address == MEDIA_ADDRESS
    assert await system.media() == [before]


async def test_no_foreign_candidate_is_left_and_keys_pass_but_are_not_shown(system: System) -> None:
    alice, bob = await registered(system)
    ice = "a=ice-ufrag:8hhY\na=ice-pwd:asd88fgpdd777uzjYhagZg\na=candidate:1 1 UDP 2 10.0.0.9 4000 typ host\n"
    crypto = "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz"
    secure = PCMA_OFFER.replace("RTP/AVP", "RTP/SAVP").replace("a=ptime", f"{ice}{crypto}\na=ptime")

    await alice.invite("gateway-test", body=sdp(4000, secure))
    offer = await bob.request("INVITE")
    bob.send(bob.answer(offer, 200, body=sdp(5000, secure)))
    answer = await alice.response("INVITE")

    for message in (offer, answer):
        assert b"candidate" not in message.body
        assert b"a=ice" not in message.body
        assert crypto.encode() in message.body
        assert b"RTP/SAVP" in message.body
    assert [leg.encrypted for leg in (await legs(system)).values()] == [True, True]
    assert system.told(CallAnswered)[0].encrypted
    shown = [event.text for event in system.told(SipMessageSeen)]
    assert any("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:***" in text for text in shown)
    assert not any("WVNfX19z" in text or "asd88fgp" in text for text in shown)


async def test_a_description_among_other_parts_is_led_through_the_relay(system: System) -> None:
    alice, bob = await registered(system)
    isup = b"\x01\x11\x48\x00\x0a\x03\xff"
    body = (
        b"--part\r\nContent-Type: application/sdp\r\n\r\n" + sdp(4000) + b"\r\n--part\r\n"
        b"Content-Type: application/ISUP;version=itu-t92+\r\n\r\n" + isup + b"\r\n--part--\r\n"
    )

    await alice.invite("gateway-test", body=body, content_type="multipart/mixed;boundary=part")
    invite = await bob.request("INVITE")

    [media] = await system.media()
    assert f"m=audio {media.legs[1].port} RTP/AVP".encode() in invite.body
    assert isup + b"\r\n--part--\r\n" in invite.body
    assert invite.content_length == len(invite.body)
    assert media.legs[0].remote_port == 4000


@pytest.mark.parametrize("content_type", ["multipart/mixed", "multipart/mixed;boundary=other", "application/sdp2"])
async def test_a_body_that_we_do_not_understand_passes_untouched(system: System, content_type: str) -> None:
    alice, bob = await registered(system)
    body = b"--part\r\nContent-Type: application/sdp\r\n\r\n" + sdp(4000) + b"\r\n--part"

    await alice.invite("gateway-test", body=body, content_type=content_type)

    assert (await bob.request("INVITE")).body == body


async def test_a_compressed_body_passes_untouched(system: System) -> None:
    alice, bob = await registered(system)

    await alice.invite("gateway-test", "e: gzip", body=b"\x1f\x8b compressed")

    assert (await bob.request("INVITE")).body == b"\x1f\x8b compressed"


async def test_rtcp_is_led_with_its_media(system: System) -> None:
    alice, bob = await registered(system)
    apart = PCMA_OFFER + "a=rtcp:4111 IN IP4 10.0.0.9\n"
    together = PCMA_OFFER + "a=rtcp:{port}\na=rtcp-mux\n"

    await alice.invite("gateway-test", body=sdp(4000, apart))
    offer = await bob.request("INVITE")
    bob.send(bob.answer(offer, 200, body=sdp(5000, together)))
    answer = await alice.response("INVITE")

    ports = await legs(system)
    assert f"a=rtcp:{ports['callee'].port + 1}\r\n".encode() in offer.body
    assert f"a=rtcp:{ports['caller'].port}\r\na=rtcp-mux\r\n".encode() in answer.body
    assert [leg.remote_rtcp_port for leg in ports.values()] == [4111, 5000]


async def test_what_comes_twice_takes_no_ports_twice_and_changes_nothing(system: System) -> None:
    alice, bob = await registered(system)
    free = await system.free_ports()

    invited = await alice.invite("gateway-test", body=sdp(4000))
    invite = await bob.request("INVITE")
    alice.send(invited)
    bob.send(bob.answer(invite, 200, body=sdp(5000)))
    first = await alice.response("INVITE")
    [media] = await system.media()
    bob.send(bob.answer(invite, 200, body=sdp(5000)))
    again = await alice.response("INVITE")

    assert first.encode() == again.encode()
    assert await system.media() == [media]
    assert await system.free_ports() == free - 2
    assert all(leg.port % 2 == 0 for leg in media.legs)
