"""Media before the answer, also from several phones at once: our port towards the caller is one, whoever answers."""

import pytest

from shared.events import CallAnswered, CallEnded
from sip_proxy.sip.message import Request
from tests.integration.sip.calling import audio, registered
from tests.integration.sip.conftest import System
from tests.integration.sip.phone import Phone, sdp

pytestmark = pytest.mark.integration

PCMU = """\
v=0
o=- 100 1 IN IP4 10.0.0.9
s=-
c=IN IP4 10.0.0.9
t=0 0
m=audio {port} RTP/AVP 0
"""


async def callee_port(system: System) -> int | None:
    [media] = await system.media()
    return media.legs[1].remote_port


async def forked(system: System) -> tuple[Phone, Phone, Phone, Request, Request]:
    """Alice's call rings at bob and at his other phone."""
    alice, bob = await registered(system)
    carol = await system.other_phone()
    await carol.register()
    await alice.invite("gateway-test", "Supported: 100rel", body=sdp(4000))
    return alice, bob, carol, await bob.request("INVITE"), await carol.request("INVITE")


async def test_our_port_towards_the_caller_stays_whatever_the_callee_says(system: System) -> None:
    alice, bob = await registered(system)
    await alice.invite("gateway-test", body=sdp(4000))
    invite = await bob.request("INVITE")
    [media] = await system.media()

    seen, heard = [], []
    for status, body in ((183, sdp(5000)), (180, b""), (183, sdp(5002)), (200, sdp(5004))):
        bob.send(bob.answer(invite, status, body=body))
        response = await alice.response("INVITE", status)
        seen += [audio(response).port] if body else []
        heard.append(await callee_port(system))

    assert seen == [media.legs[0].port] * 3
    assert heard == [5000, 5000, 5002, 5004]


async def test_an_answer_without_a_description_makes_its_own_early_one_count(system: System) -> None:
    alice, bob, carol, bobs, carols = await forked(system)

    bob.send(bob.answer(bobs, 183, "Require: 100rel", "RSeq: 1", tag="one", body=sdp(5000)))
    first = await alice.response("INVITE", 183)
    carol.send(carol.answer(carols, 183, tag="two", body=sdp(6000, PCMU)))
    second = await alice.response("INVITE", 183)
    early = await callee_port(system)
    bob.send(bob.answer(bobs, 200, tag="one"))
    answer = await alice.response("INVITE")

    [media] = await system.media()
    assert audio(first).port == audio(second).port == media.legs[0].port
    assert early == 6000
    assert answer.body == b""
    assert media.legs[1].remote_port == 5000
    assert [known.encoding for known in media.legs[0].formats] == ["PCMA", "PCMU", "TELEPHONE-EVENT"]
    assert system.told(CallAnswered)[0].codec == "PCMA"


async def test_the_answer_drops_what_the_other_phones_said(system: System) -> None:
    alice, bob, carol, bobs, carols = await forked(system)

    bob.send(bob.answer(bobs, 183, tag="one", body=sdp(5000)))
    await alice.response("INVITE", 183)
    carol.send(carol.answer(carols, 200, tag="two", body=sdp(6000)))
    await alice.response("INVITE")
    bob.send(bob.answer(await bob.request("CANCEL"), 200, tag="one"))
    bob.send(bob.answer(bobs, 487, tag="one"))
    await bob.request("ACK")

    assert await callee_port(system) == 6000


async def test_a_late_second_answer_is_passed_on_and_leaves_the_call_alone(system: System) -> None:
    """Two lifted the receiver at once: the caller hangs up on one of them (RFC 3261 13.2.2.4)."""
    alice, bob, carol, bobs, carols = await forked(system)

    bob.send(bob.answer(bobs, 200, tag="one", body=sdp(5000)))
    await alice.response("INVITE")
    carol.send(carol.answer(carols, 200, tag="two", body=sdp(6000)))
    late = await alice.response("INVITE")
    call = alice.caller_side(late)
    alice.send(alice.in_dialog("ACK", call))
    await carol.request("ACK")
    alice.send(alice.in_dialog("BYE", call))
    carol.send(carol.answer(await carol.request("BYE"), 200))
    goodbye = await alice.response("BYE")

    [media] = await system.media()
    assert late.to().tag == "two"
    assert audio(late).port == media.legs[0].port
    assert media.legs[1].remote_port == 5000
    assert goodbye.status == 200
    assert len(system.told(CallAnswered)) == 1
    assert system.told(CallEnded) == []


async def test_the_caller_may_leave_one_early_dialog_while_the_others_ring(system: System) -> None:
    alice, bob, carol, bobs, carols = await forked(system)

    bob.send(bob.answer(bobs, 183, tag="one", body=sdp(5000)))
    early = alice.caller_side(await alice.response("INVITE", 183))
    alice.send(alice.in_dialog("BYE", early))
    bob.send(bob.answer(await bob.request("BYE"), 200))
    await alice.response("BYE")
    bob.send(bob.answer(bobs, 487, tag="one"))
    await bob.request("ACK")
    carol.send(carol.answer(carols, 200, tag="two", body=sdp(6000)))

    assert (await alice.response("INVITE")).status == 200
    assert await callee_port(system) == 6000
    assert system.told(CallEnded) == []
