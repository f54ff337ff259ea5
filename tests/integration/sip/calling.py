"""What most tests of calls begin with: two phones, registered, and talking."""

from sip_proxy.sip.message import Request, Response
from sip_proxy.sip.sdp import Media, SessionDescription
from tests.integration.sip.conftest import System
from tests.integration.sip.phone import Call, Phone, sdp


def audio(message: Request | Response) -> Media:
    return SessionDescription.parse(message.body).audio[0]


async def registered(system: System) -> tuple[Phone, Phone]:
    alice, bob = await system.phone(), await system.other_phone()
    assert (await alice.register()).status == 200
    assert (await bob.register()).status == 200
    return alice, bob


async def talking(
    alice: Phone, bob: Phone, *headers: str, offer: bytes | None = None, answer: bytes | None = None
) -> tuple[Call, Call]:
    """A call that alice has made and bob has answered, with these headers in the answer."""
    await alice.invite("gateway-test", body=offer or sdp(4000))
    invite = await bob.request("INVITE")
    bob.send(bob.answer(invite, 180))
    await alice.response("INVITE", 180)
    bob.send(bob.answer(invite, 200, *headers, body=answer or sdp(5000)))
    call = alice.caller_side(await alice.response("INVITE"))
    alice.send(alice.in_dialog("ACK", call))
    await bob.request("ACK")
    return call, bob.callee_side(invite, "callee")
