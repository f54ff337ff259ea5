"""A REFER outside of calls: the NOTIFYs of the subscription that it opens find their way."""

import pytest

from shared.events import UnexpectedAddress
from tests.integration.sip.conftest import System
from tests.integration.sip.phone import Phone

pytestmark = pytest.mark.integration

SIPFRAG = b"SIP/2.0 200 OK\r\n"


async def referring(alice: Phone, bob: Phone) -> None:
    """alice asks bob to call somebody, and both remember the dialog."""
    await bob.register()
    await alice.authenticated("REFER", f"sip:gateway-test@{alice.domain}", f"Refer-To: <sip:999@{alice.domain}>")
    refer = await bob.request("REFER")
    bob.send(bob.answer(refer, 202))
    accepted = await alice.response("REFER", 202)
    assert refer.record_routes
    alice.calls, bob.calls = [alice.caller_side(accepted)], [bob.callee_side(refer, "callee")]


def notify(phone: Phone) -> bytes:
    return phone.in_dialog("NOTIFY", phone.calls[0], "Event: refer", "Subscription-State: active", body=SIPFRAG)


async def test_the_notify_comes_back_to_who_asked(system: System) -> None:
    alice, bob = await system.phone(), await system.other_phone(transport="tcp")
    await referring(alice, bob)

    bob.send(notify(bob))
    told = await alice.request("NOTIFY")
    alice.send(alice.answer(told, 200))

    assert told.body == SIPFRAG
    assert told.routes == ()
    assert (await bob.response("NOTIFY")).status == 200


async def test_who_asked_may_speak_in_the_subscription_too(system: System) -> None:
    alice, bob = await system.phone(), await system.other_phone()
    await referring(alice, bob)

    alice.send(alice.in_dialog("SUBSCRIBE", alice.calls[0], "Event: refer", "Expires: 0"))
    ended = await bob.request("SUBSCRIBE")
    bob.send(bob.answer(ended, 200))

    assert (await alice.response("SUBSCRIBE")).status == 200


async def test_a_notify_of_no_subscription_is_refused(system: System) -> None:
    alice, bob = await system.phone(), await system.other_phone()
    await referring(alice, bob)
    bob.calls[0].remote = bob.calls[0].remote.replace(";tag=", ";tag=other")

    bob.send(notify(bob))

    assert (await bob.response("NOTIFY")).status == 481


async def test_the_record_of_a_subscription_expires(system: System) -> None:
    alice, bob = await system.phone(), await system.other_phone()
    await referring(alice, bob)

    assert 0 < await system.redis.ttl(f"vqm:dialog:{alice.calls[0].call_id}") <= 3600
    assert system.told(UnexpectedAddress) == []
