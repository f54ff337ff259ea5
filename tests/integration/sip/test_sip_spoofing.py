"""Requests inside a call by somebody who has read its Call-ID and tags, but is neither of the two parties."""

import pytest

from shared.events import CallEnded, UnexpectedAddress
from sip_proxy.sip.message import Request, Response
from tests.integration.sip.calling import registered, talking
from tests.integration.sip.conftest import System
from tests.integration.sip.phone import Call, Phone, sdp
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

ELSEWHERE = "127.0.0.3"


async def nothing_arrives(phone: Phone, method: str) -> bool:
    try:
        await phone.receive(lambda each: isinstance(each, Request) and each.method == method, within_s=0.2)
    except TimeoutError:
        return True
    return False


async def call_of(system: System) -> tuple[Phone, Phone, Call, Call]:
    alice, bob = await registered(system)
    return alice, bob, *await talking(alice, bob)


@pytest.mark.parametrize("method", ["BYE", "INVITE", "UPDATE", "REFER", "INFO", "MESSAGE", "UNHEARD"])
@pytest.mark.parametrize("victim", ["caller", "callee"])
async def test_nobody_else_can_speak_in_a_call(system: System, method: str, victim: str) -> None:
    alice, bob, call, bobs_call = await call_of(system)
    attacker = await system.phone("gateway-monitor", host=ELSEWHERE)
    other, dialog = (bob, call) if victim == "caller" else (alice, bobs_call)

    attacker.send(attacker.in_dialog(method, dialog, body=sdp(6666) if method in ("INVITE", "UPDATE") else b""))
    refused = await attacker.response(method)

    assert refused.status == 403
    [told] = await system.hears(UnexpectedAddress)
    assert (told.source, told.method) == (f"{ELSEWHERE}:{attacker.port}", method)
    assert await nothing_arrives(other, method)
    assert system.told(CallEnded) == []
    [media] = await system.media()
    assert [leg.remote_port for leg in media.legs] == [4000, 5000]  # nobody listens in


async def test_an_extension_is_not_hung_up_by_somebody_else(system: System) -> None:
    alice = await system.phone()
    attacker = await system.phone("gateway-monitor", host=ELSEWHERE)
    await alice.invite("999", body=sdp(4000))
    call = alice.caller_side(await alice.response("INVITE"))
    alice.send(alice.in_dialog("ACK", call))

    attacker.send(attacker.in_dialog("BYE", call))

    assert (await attacker.response("BYE")).status == 403
    assert system.told(CallEnded) == []
    alice.send(alice.in_dialog("BYE", call))
    assert (await alice.response("BYE")).status == 200


async def test_an_ack_from_elsewhere_goes_nowhere(system: System) -> None:
    alice, bob = await registered(system)
    attacker = await system.phone("gateway-monitor", host=ELSEWHERE)
    await alice.invite("gateway-test")
    invite = await bob.request("INVITE")
    bob.send(bob.answer(invite, 200, body=sdp(5000)))
    call = alice.caller_side(await alice.response("INVITE"))

    attacker.send(attacker.in_dialog("ACK", call, body=sdp(6666)))
    await system.hears(UnexpectedAddress)
    assert await nothing_arrives(bob, "ACK")
    alice.send(alice.in_dialog("ACK", call, body=sdp(4000)))

    assert (await bob.request("ACK")).body
    [media] = await system.media()
    assert [leg.remote_port for leg in media.legs] == [4000, 5000]


async def test_only_who_sent_the_invite_may_cancel_it(system: System) -> None:
    alice, bob = await registered(system)
    attacker = await system.phone("gateway-monitor", host=ELSEWHERE)
    invite = await alice.invite("gateway-test", body=sdp(4000))
    bob.send(bob.answer(await bob.request("INVITE"), 180))
    await alice.response("INVITE", 180)

    attacker.send(alice.cancel(invite))  # octet for octet, Via included

    assert (await attacker.response("CANCEL")).status == 481
    assert await nothing_arrives(bob, "CANCEL")
    [told] = await system.hears(UnexpectedAddress)
    assert told.method == "CANCEL"
    alice.send(alice.cancel(invite))
    assert (await alice.response("CANCEL")).status == 200


async def test_a_nat_may_change_the_port_in_mid_call(system: System) -> None:
    _, bob, call, _ = await call_of(system)
    rebound = await system.phone()

    rebound.send(rebound.in_dialog("BYE", call))
    bob.send(bob.answer(await bob.request("BYE"), 200))

    assert (await rebound.response("BYE")).status == 200
    assert system.told(UnexpectedAddress) == []


async def test_a_phone_that_has_registered_from_elsewhere_goes_on_with_its_call(system: System) -> None:
    _, bob, call, _ = await call_of(system)
    moved = await system.phone(host=ELSEWHERE)
    await moved.register()

    moved.send(moved.in_dialog("BYE", call))
    bob.send(bob.answer(await bob.request("BYE"), 200))

    assert (await moved.response("BYE")).status == 200


async def test_credentials_count_from_anywhere_but_only_the_partys_own(system: System) -> None:
    _, bob, call, _ = await call_of(system)
    moved, account = await system.phone(host=ELSEWHERE), await system.phone("welcome-gw", "WelcomeGW456")
    account.send(account.write("MESSAGE", f"sip:gateway-test@{account.domain}"))
    challenge = await account.response("MESSAGE", 407)

    moved.send(moved.in_dialog("INFO", call, account.credentials(challenge, "INFO", call.target)))
    foreign = await moved.response("INFO")
    moved.send(moved.in_dialog("BYE", call, moved.credentials(challenge, "BYE", call.target)))
    bob.send(bob.answer(await bob.request("BYE"), 200))
    own = await moved.response("BYE")

    assert (foreign.status, own.status) == (403, 200)


async def test_old_credentials_of_a_party_are_asked_for_again(system: System) -> None:
    _, bob, call, _ = await call_of(system)
    moved = await system.phone(host=ELSEWHERE)
    old = Response(407, headers=[("Proxy-Authenticate", 'Digest realm="vqm", nonce="old", algorithm=MD5')])

    moved.send(moved.in_dialog("BYE", call, moved.credentials(old, "BYE", call.target)))
    challenge = await moved.response("BYE")
    moved.send(moved.in_dialog("BYE", call, moved.credentials(challenge, "BYE", call.target)))
    bob.send(bob.answer(await bob.request("BYE"), 200))

    assert challenge.status == 407
    assert (await moved.response("BYE")).status == 200


async def test_a_forged_dialog_leaves_nothing_behind_and_is_answered_once(system: System) -> None:
    attacker = await system.phone("gateway-monitor", host=ELSEWHERE)
    nowhere = Call("made-up", "<sip:a@b>;tag=1", "<sip:c@d>;tag=2", "sip:c@10.0.0.1", [], 1)

    attacker.send(attacker.in_dialog("INVITE", nowhere, body=sdp(6666)))

    assert (await attacker.response("INVITE")).status == 481
    await wait_until(lambda: system.app.counters()["transactions"] == 0, "nothing is left")
    assert attacker.inbox == []  # no 100 before it, no repetition after
