"""Calls whose BYE was lost: found by their silence or their session timer, and ended for both sides."""

import asyncio

import pytest

from shared.events import CallEnded, SipMessageSeen
from sip_proxy.calls.call_record import CallRecord
from sip_proxy.calls.calls import PREFIX
from sip_proxy.sip.message import Request
from tests.conftest import BrokerProcess
from tests.integration.sip.calling import registered, talking
from tests.integration.sip.conftest import System, running
from tests.integration.sip.phone import HOST, sdp
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

SILENT_AFTER_S = 1.0


async def recorded(system: System, call_id: str) -> CallRecord | None:
    text = await system.state.get(PREFIX + call_id)
    return None if text is None else CallRecord.model_validate_json(text)


async def test_a_silent_call_is_hung_up_on_both_sides(broker: BrokerProcess) -> None:
    async with running(broker, media_timeout_s=SILENT_AFTER_S) as system:
        alice, bob = await registered(system)
        call, bobs_call = await talking(alice, bob)
        bob.send(bob.in_dialog("INFO", bobs_call))
        alice.send(alice.answer(await alice.request("INFO"), 200))

        to_alice, to_bob = await asyncio.gather(alice.request("BYE"), bob.request("BYE"))
        alice.send(alice.answer(to_alice, 200))
        bob.send(bob.answer(to_bob, 481))

        [ended] = await system.hears(CallEnded)
        assert (ended.hangup_by, ended.reason, ended.final_code) == (None, "the media stopped", 200)
        assert (to_alice.headers.get("From"), to_alice.headers.get("To")) == (call.remote, call.local)
        assert (to_bob.headers.get("From"), to_bob.headers.get("To")) == (call.local, call.remote)
        assert (to_alice.uri, to_bob.uri) == (alice.contact, bob.contact)
        assert (to_alice.cseq.number, to_bob.cseq.number) == (bobs_call.cseq + 1, call.cseq + 1)
        assert await system.media() == []
        assert await recorded(system, call.call_id) is None


async def test_phones_that_are_gone_do_not_keep_the_call(broker: BrokerProcess) -> None:
    async with running(broker, media_timeout_s=SILENT_AFTER_S) as system:
        alice, bob = await registered(system)
        await talking(alice, bob)

        await system.hears(CallEnded)

        assert (await alice.request("BYE")).call_id == (await bob.request("BYE")).call_id
        assert system.app.counters()["calls"] == 0


async def test_a_restarted_proxy_hangs_up_what_its_former_self_set_up(broker: BrokerProcess) -> None:
    async with running(broker) as first:
        alice, bob = await registered(first)
        call, _ = await talking(alice, bob)
        port = first.app.address.port
    async with running(broker, flush=False, sip_port=port, media_timeout_s=SILENT_AFTER_S) as second:
        [ended] = await second.hears(CallEnded)

        sent = [seen for seen in second.told(SipMessageSeen) if (seen.direction, seen.method) == ("sent", "BYE")]
        assert ended.call_id == call.call_id
        assert {seen.remote for seen in sent} == {f"{HOST}:{alice.port}", f"{HOST}:{bob.port}"}


async def test_the_bye_takes_the_way_of_other_proxies(broker: BrokerProcess) -> None:
    async with running(broker, media_timeout_s=SILENT_AFTER_S) as system:
        alice, bob = await registered(system)
        near_alice = ("<sip:one.example.net;lr>", "<sip:two.example.net;lr>")
        await alice.invite("gateway-test", *(f"Record-Route: {route}" for route in near_alice), body=sdp(4000))
        invite = await bob.request("INVITE")
        near_bob = b"Record-Route: <sip:four.example.net;lr>, <sip:three.example.net;lr>\r\nRecord-Route:"
        bob.send(bob.answer(invite, 200, body=sdp(5000)).replace(b"Record-Route:", near_bob, 1))
        alice.send(alice.in_dialog("ACK", alice.caller_side(await alice.response("INVITE"))))

        to_alice, to_bob = await asyncio.gather(alice.request("BYE"), bob.request("BYE"))

        assert to_alice.headers.get_all("Route") == list(near_alice)
        assert to_bob.headers.get_all("Route") == ["<sip:three.example.net;lr>", "<sip:four.example.net;lr>"]


async def test_a_held_or_faxing_call_is_not_silent(broker: BrokerProcess) -> None:
    fax = b"v=0\r\no=- 100 2 IN IP4 10.0.0.9\r\ns=-\r\nc=IN IP4 10.0.0.9\r\nt=0 0\r\nm=image 4000 udptl t38\r\n"
    hold = sdp(4000).replace(b"sendrecv", b"inactive")
    async with running(broker, media_timeout_s=SILENT_AFTER_S) as system:
        alice, bob = await registered(system)
        silent, _ = await talking(alice, bob)
        for body in (hold, fax):
            call, _ = await talking(alice, bob)
            alice.send(alice.in_dialog("INVITE", call, body=body))
            bob.send(bob.answer(await bob.request("INVITE"), 200, body=body))
            await alice.response("INVITE")

        [ended] = await system.hears(CallEnded)

        assert ended.call_id == silent.call_id
        assert system.app.counters()["calls"] == 2


async def test_a_session_that_nobody_refreshes_is_closed_without_a_bye(broker: BrokerProcess) -> None:
    """RFC 4028 8.3: the parties send one themselves, a proxy must not."""
    hold = sdp(4000).replace(b"sendrecv", b"inactive")
    async with running(broker, media_timeout_s=SILENT_AFTER_S) as system:
        alice, bob = await registered(system)
        await talking(alice, bob, "x: 1;refresher=uac", offer=hold)

        [ended] = await system.hears(CallEnded)

        assert (ended.hangup_by, ended.reason) == (None, "the session was not refreshed")
        assert await system.media() == []
        assert not any(
            isinstance(message, Request) and message.method == "BYE" for message in (*alice.inbox, *bob.inbox)
        )


async def test_a_refresh_moves_the_end_of_the_session(system: System) -> None:
    alice, bob = await registered(system)
    call, _ = await talking(alice, bob, "Session-Expires: 90")
    first = await recorded(system, call.call_id)

    seen = []
    for answered in ("Session-Expires: 1800;refresher=uas", "X-No-Timer: any more"):
        alice.send(alice.in_dialog("UPDATE", call, "Session-Expires: 1800"))
        update = await bob.request("UPDATE")
        bob.send(bob.answer(update, 200, answered))
        await alice.response("UPDATE")
        seen.append(await recorded(system, call.call_id))

    assert update.headers.get("Session-Expires") == "1800"
    assert first is not None
    assert first.session_expires_at is not None
    assert seen[0] is not None
    assert seen[0].session_expires_at is not None
    assert 1700 < seen[0].session_expires_at - first.session_expires_at < 1800
    assert seen[1] is not None
    assert seen[1].session_expires_at is None


async def test_what_another_proxy_did_to_a_call_counts(broker: BrokerProcess) -> None:
    hold = sdp(4000).replace(b"sendrecv", b"inactive")
    async with (
        running(broker, media_timeout_s=SILENT_AFTER_S) as first,
        running(broker, worker=False, flush=False, instance="proxy-2") as second,
    ):
        await wait_until(lambda: first.app.neighbours == second.app.neighbours == 1, "the two to know each other")
        alice, bob = await registered(first)
        ended, _ = await talking(alice, bob)
        held, _ = await talking(alice, bob)
        silent, _ = await talking(alice, bob)
        elsewhere = await second.phone()

        elsewhere.send(elsewhere.in_dialog("BYE", ended))
        bob.send(bob.answer(await bob.request("BYE"), 200))
        elsewhere.send(elsewhere.in_dialog("INVITE", held, body=hold))
        bob.send(bob.answer(await bob.request("INVITE"), 200, body=hold))

        assert [event.call_id for event in await second.hears(CallEnded)] == [ended.call_id]
        assert [event.call_id for event in await first.hears(CallEnded)] == [silent.call_id]
        assert first.app.counters()["calls"] == 1
        assert (await bob.request("BYE")).call_id == silent.call_id
