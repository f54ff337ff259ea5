"""Calls between two registered phones over real UDP, media led through the worker."""

import asyncio

import pytest

from shared.broker import BrokerLost
from shared.events import CallAnswered, CallEnded, CallRinging, CallStarted, CallUpdated, MediaUpdated
from sip_proxy.calls.calls import PREFIX
from sip_proxy.sip.message import Request
from tests.conftest import BrokerProcess
from tests.integration.sip.calling import audio, registered, talking
from tests.integration.sip.conftest import System, running
from tests.integration.sip.phone import sdp
from tests.paper_worker import MEDIA_ADDRESS
from tests.waiting import wait_until

pytestmark = pytest.mark.integration


async def test_a_call_rings_is_answered_and_its_media_runs_through_the_worker(system: System) -> None:
    alice, bob = await registered(system)

    await alice.invite("gateway-test", body=sdp(4000))
    trying = await alice.response("INVITE", 100)
    invite = await bob.request("INVITE")
    bob.send(bob.answer(invite, 180))
    await alice.response("INVITE", 180)
    bob.send(bob.answer(invite, 200, body=sdp(5000)))
    answer = await alice.response("INVITE")

    assert trying.status == 100
    assert invite.uri == bob.contact  # as it registered, although we send to its real address
    assert "Proxy-Authorization" not in invite.headers
    [media] = await system.media()
    ports = {leg.party: leg.port for leg in media.legs}
    assert (audio(invite).address, audio(invite).port) == (MEDIA_ADDRESS, ports["callee"])
    assert (audio(answer).address, audio(answer).port) == (MEDIA_ADDRESS, ports["caller"])
    assert isinstance(media, MediaUpdated)
    assert [leg.remote_port for leg in media.legs] == [4000, 5000]
    assert answer.call_id == invite.call_id == system.told(CallStarted)[0].call_id
    assert system.told(CallRinging)[0].code == 180
    assert system.told(CallAnswered)[0].codec == "PCMA"


@pytest.mark.parametrize("hangup_by", ["caller", "callee"])
async def test_either_side_hangs_up(system: System, hangup_by: str) -> None:
    alice, bob = await registered(system)
    sides = {"caller": (alice, bob), "callee": (bob, alice)}
    calls = dict(zip(("caller", "callee"), await talking(alice, bob), strict=True))
    leaver, stayer = sides[hangup_by]

    leaver.send(leaver.in_dialog("BYE", calls[hangup_by]))
    bye = await stayer.request("BYE")
    stayer.send(stayer.answer(bye, 200))
    assert (await leaver.response("BYE")).status == 200

    assert not bye.routes  # ours is taken off
    [ended] = await system.hears(CallEnded)
    assert (ended.hangup_by, ended.final_code) == (hangup_by, 200)
    assert await system.media() == []
    assert await system.state.get(PREFIX + ended.call_id) is None


async def test_the_caller_gives_up_while_it_rings(system: System) -> None:
    alice, bob = await registered(system)

    invite = await alice.invite("gateway-test", body=sdp(4000))
    received = await bob.request("INVITE")
    bob.send(bob.answer(received, 180))
    await alice.response("INVITE", 180)
    alice.send(alice.cancel(invite))
    assert (await alice.response("CANCEL")).status == 200
    cancel = await bob.request("CANCEL")
    bob.send(bob.answer(cancel, 200))
    bob.send(bob.answer(received, 487))
    terminated = await alice.response("INVITE")
    alice.send(alice.ack_refusal(invite, terminated))
    await bob.request("ACK")

    assert terminated.status == 487
    assert cancel.top_via().branch == received.top_via().branch
    assert cancel.uri == received.uri
    [ended] = await system.hears(CallEnded)
    assert (ended.hangup_by, ended.final_code) == ("caller", 487)
    assert await system.media() == []


async def test_a_cancel_that_comes_before_any_ringing_is_held_until_then(system: System) -> None:
    alice, bob = await registered(system)

    invite = await alice.invite("gateway-test", body=sdp(4000))
    received = await bob.request("INVITE")
    alice.send(alice.cancel(invite))
    await alice.response("CANCEL")
    assert not any(isinstance(message, Request) and message.method == "CANCEL" for message in bob.inbox)
    bob.send(bob.answer(received, 100))

    assert (await bob.request("CANCEL")).call_id == received.call_id


async def test_a_busy_callee_ends_the_call(system: System) -> None:
    alice, bob = await registered(system)

    invite = await alice.invite("gateway-test", body=sdp(4000))
    received = await bob.request("INVITE")
    bob.send(bob.answer(received, 486))
    busy = await alice.response("INVITE")
    alice.send(alice.ack_refusal(invite, busy))
    ack = await bob.request("ACK")

    assert busy.status == 486
    assert ack.top_via().branch == received.top_via().branch  # of this hop
    [ended] = await system.hears(CallEnded)
    assert (ended.hangup_by, ended.final_code) == ("callee", 486)
    assert await system.media() == []


async def test_an_invite_without_sdp_has_its_offer_in_the_answer(system: System) -> None:
    alice, bob = await registered(system)

    await alice.invite("gateway-test")
    invite = await bob.request("INVITE")
    bob.send(bob.answer(invite, 200, body=sdp(5000)))
    answer = await alice.response("INVITE")
    alice.send(alice.in_dialog("ACK", alice.caller_side(answer), body=sdp(4000)))
    ack = await bob.request("ACK")

    assert invite.body == b""
    [media] = await system.media()
    ports = {leg.party: leg.port for leg in media.legs}
    assert audio(answer).port == ports["caller"]
    assert audio(ack).port == ports["callee"]
    assert [leg.remote_port for leg in media.legs] == [4000, 5000]


async def test_hold_and_resume_are_told_and_our_ports_stay(system: System) -> None:
    alice, bob = await registered(system)
    call, _ = await talking(alice, bob)
    [before] = await system.media()
    hold = sdp(4000).replace(b"sendrecv", b"sendonly").replace(b"o=- 100 1", b"o=- 100 2")

    alice.send(alice.in_dialog("INVITE", call, body=hold))
    reinvite = await bob.request("INVITE")
    bob.send(bob.answer(reinvite, 200, body=sdp(5002).replace(b"sendrecv", b"recvonly")))
    answer = await alice.response("INVITE")
    alice.send(alice.in_dialog("ACK", call))
    await bob.request("ACK")

    [update] = await system.hears(CallUpdated)
    assert (update.by, update.on_hold) == ("caller", True)
    [after] = await system.media()
    assert [leg.port for leg in after.legs] == [leg.port for leg in before.legs]
    assert after.legs[1].remote_port == 5002
    assert [leg.sends for leg in after.legs] == [True, False]
    assert audio(reinvite).direction == "sendonly"
    assert audio(answer).port == before.legs[0].port


async def test_a_refused_change_leaves_the_media_as_it_was(system: System) -> None:
    alice, bob = await registered(system)
    call, _ = await talking(alice, bob)

    alice.send(alice.in_dialog("INVITE", call, body=sdp(4444)))
    bob.send(bob.answer(await bob.request("INVITE"), 488))
    assert (await alice.response("INVITE")).status == 488

    async def as_before() -> bool:
        [media] = await system.media()
        return media.legs[0].remote_port == 4000

    await wait_until(as_before, "the old address is back")


async def test_every_contact_rings_and_the_others_are_cancelled(system: System) -> None:
    alice, bob = await registered(system)
    bobs_other = await system.other_phone()
    await bobs_other.register()

    await alice.invite("gateway-test", body=sdp(4000))
    first, second = await bob.request("INVITE"), await bobs_other.request("INVITE")
    bob.send(bob.answer(first, 180, tag="one"))
    bobs_other.send(bobs_other.answer(second, 180, tag="two"))
    await alice.response("INVITE", 180)
    await alice.response("INVITE", 180)
    bobs_other.send(bobs_other.answer(second, 200, tag="two", body=sdp(5000)))
    answer = await alice.response("INVITE")
    bob.send(bob.answer(await bob.request("CANCEL"), 200, tag="one"))
    bob.send(bob.answer(first, 487, tag="one"))
    await bob.request("ACK")
    call = alice.caller_side(answer)
    alice.send(alice.in_dialog("ACK", call))
    await bobs_other.request("ACK")

    assert answer.to().tag == "two"
    assert len(system.told(CallStarted)) == len(system.told(CallAnswered)) == 1
    assert system.told(CallEnded) == []


async def test_a_repeated_answer_reaches_the_caller_again(system: System) -> None:
    """The ACK may have been lost: only the caller can repeat it."""
    alice, bob = await registered(system)

    await alice.invite("gateway-test", body=sdp(4000))
    invite = await bob.request("INVITE")
    for _ in range(2):
        bob.send(bob.answer(invite, 200, body=sdp(5000)))

    first, again = await alice.response("INVITE"), await alice.response("INVITE")

    assert first.encode() == again.encode()
    assert len(system.told(CallAnswered)) == 1


async def test_a_callee_that_never_answers_ends_in_408(system: System) -> None:
    alice, _ = await registered(system)

    await alice.invite("gateway-test", body=sdp(4000))

    assert (await alice.response("INVITE")).status == 408
    [ended] = await system.hears(CallEnded)
    assert (ended.hangup_by, ended.final_code) == ("proxy", 408)


async def test_a_known_account_that_is_not_there_is_480_and_an_unknown_one_404(system: System) -> None:
    alice = await system.phone()

    await alice.invite("gateway-test", body=sdp(4000))
    absent = await alice.response("INVITE")
    await alice.invite("12345", body=sdp(4000))
    unknown = await alice.response("INVITE")

    assert (absent.status, unknown.status) == (480, 404)
    assert [ended.final_code for ended in await system.hears(CallEnded, 2)] == [480, 404]


async def test_without_a_worker_a_call_is_told_to_come_back(broker: BrokerProcess) -> None:
    async with running(broker, worker=False) as system:
        alice, _ = await registered(system)

        await alice.invite("gateway-test", body=sdp(4000))
        answer = await alice.response("INVITE")

        assert answer.status == 503
        assert int(answer.headers.get("Retry-After") or 0) > 0


async def test_a_request_of_a_foreign_dialog_is_refused(system: System) -> None:
    alice, bob = await registered(system)
    call, _ = await talking(alice, bob)
    call.local = call.local.partition(";tag=")[0] + ";tag=guessed"

    alice.send(alice.in_dialog("BYE", call))

    assert (await alice.response("BYE")).status == 481
    assert system.told(CallEnded) == []


async def test_other_requests_pass_both_ways_unchanged(system: System) -> None:
    alice, bob = await registered(system)
    call, bobs_call = await talking(alice, bob)

    alice.send(alice.in_dialog("INFO", call, "X-Strange: 1,2;3"))
    info = await bob.request("INFO")
    bob.send(bob.answer(info, 200, "X-Answer: yes"))
    answer = await alice.response("INFO")
    bob.send(bob.in_dialog("UNHEARD", bobs_call))
    unheard = await alice.request("UNHEARD")

    assert info.headers.get("X-Strange") == "1,2;3"
    assert answer.headers.get("X-Answer") == "yes"
    assert unheard.max_forwards == 69


async def test_a_message_reaches_the_other_phone(system: System) -> None:
    alice, bob = await registered(system)

    await alice.authenticated("MESSAGE", f"sip:gateway-test@{alice.domain}", body=b"ciao", content_type="text/plain")
    message = await bob.request("MESSAGE")
    bob.send(bob.answer(message, 202))

    assert (await alice.response("MESSAGE")).status == 202
    assert message.body == b"ciao"


async def test_a_restarted_proxy_routes_the_bye_and_closes_the_record(broker: BrokerProcess) -> None:
    async with running(broker) as first:
        alice, bob = await registered(first)
        call, _ = await talking(alice, bob)
        port = first.app.address.port
    async with running(broker, flush=False, sip_port=port) as second:
        alice, bob = await second.phone(), await second.other_phone()
        # the phones have new sockets here: what matters is that the request is routed to where bob was
        record = await second.state.get(PREFIX + call.call_id)
        assert record is not None

        alice.send(alice.in_dialog("BYE", call))

        [ended] = await second.hears(CallEnded)
        assert ended.hangup_by == "caller"
        assert await second.media() == []


async def test_calls_go_on_while_the_broker_is_away(broker_process: BrokerProcess) -> None:
    async with running(broker_process) as system:
        alice, bob = await registered(system)
        call, _ = await talking(alice, bob)
        broker_process.stop()

        alice.send(alice.in_dialog("INVITE", call, body=sdp(4002)))
        bob.send(bob.answer(await bob.request("INVITE"), 200, body=sdp(5000)))
        await alice.response("INVITE")
        alice.send(alice.in_dialog("ACK", call))
        alice.send(alice.in_dialog("BYE", call))
        bob.send(bob.answer(await bob.request("BYE"), 200))

        assert (await alice.response("BYE")).status == 200
        await system.hears(CallEnded)
        with pytest.raises(BrokerLost):
            async with asyncio.timeout(5):
                await system.state.get("any")


async def test_what_the_broker_missed_of_a_call_is_written_when_it_is_back(broker_process: BrokerProcess) -> None:
    async with running(broker_process) as system:
        alice, bob = await registered(system)
        call, _ = await talking(alice, bob)
        broker_process.stop()
        alice.send(alice.in_dialog("INVITE", call, body=sdp(4002)))
        bob.send(bob.answer(await bob.request("INVITE"), 200, body=sdp(5000)))
        await alice.response("INVITE")
        broker_process.start()

        async def is_written() -> bool:
            return '"port":4002' in (await system.state.get(PREFIX + call.call_id) or "")

        await wait_until(is_written, "the record of the changed call")


async def test_contacts_of_a_lower_q_are_called_when_those_of_a_higher_have_refused(system: System) -> None:
    alice, first, second = await system.phone(), await system.other_phone(), await system.other_phone()
    first.contact_params, second.contact_params = ";q=0.9", ";q=0.5"
    await first.register()
    await second.register()

    await alice.invite("gateway-test", body=sdp(4000))
    preferred = await first.request("INVITE")
    assert second.inbox == []
    first.send(first.answer(preferred, 486))
    other = await second.request("INVITE")
    second.send(second.answer(other, 200, body=sdp(5000)))
    answer = await alice.response("INVITE", 200, 486)

    assert answer.status == 200
