"""What passes between two phones though we do not understand it: every method, every header field, every octet."""

import pytest

from sip_proxy.sip.message import Request, Response
from tests.integration.sip.calling import registered, talking
from tests.integration.sip.conftest import System
from tests.integration.sip.phone import sdp

pytestmark = pytest.mark.integration

# Names that nobody registered, odd spacing and folding, what looks like a list or a secret, empty, no UTF-8.
STRANGE = (
    b'X-Strange :  a,b ; c="d,e"  ',
    b"x-strange:\t twice",
    b"X-Folded: one\r\n\t two\r\n   three",
    b"X-Empty:",
    b"X-Latin: \xe8\xff \xc3\xa8",
    b"Date: Sat, 13 Nov 2010 23:29:00 GMT",
    b"k: timer, 100rel , replaces",
    b"Subject: Voice = Quality; \x7f",
)
METHODS = ("PRACK", "UPDATE", "REFER", "INFO", "MESSAGE", "SUBSCRIBE", "NOTIFY", "OPTIONS", "INVITE", "X-UNHEARD")


def strange_fields(message: Request | Response) -> list[bytes]:
    """Those fields of the message as it came off the wire that are not the proxy's business."""
    written = [raw.encode("utf-8", "surrogateescape") for raw in message.headers.raw_fields()]
    return [raw for raw in written if raw in STRANGE]


def with_strange_fields(octets: bytes) -> bytes:
    return octets.replace(b"Content-Length:", b"\r\n".join((*STRANGE, b"Content-Length:")), 1)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("by", ["caller", "callee"])
async def test_every_method_passes_in_a_dialog_with_every_octet_of_its_fields(
    system: System, method: str, by: str
) -> None:
    alice, bob = await registered(system)
    calls = await talking(alice, bob)
    sender, receiver = (alice, bob) if by == "caller" else (bob, alice)

    sender.send(with_strange_fields(sender.in_dialog(method, calls[0] if by == "caller" else calls[1])))
    request = await receiver.request(method)
    receiver.send(with_strange_fields(receiver.answer(request, 202)))
    answer = await sender.response(method)

    assert strange_fields(request) == list(STRANGE)
    assert strange_fields(answer) == list(STRANGE)
    assert answer.status == 202


async def test_an_invite_keeps_what_the_caller_supports_and_asks_for(system: System) -> None:
    alice, bob = await registered(system)
    asked = (
        "Require: replaces,x-own",
        "Supported: timer, 100rel,norefersub",
        "Session-Expires: 1800;refresher=uac",
        "Min-SE: 90",
        "Allow: INVITE,ACK , BYE",
        "Replaces: 7@x;to-tag=a;from-tag=b",
        "Referred-By: <sip:carol@example.com>",
    )

    await alice.invite("gateway-test", *asked, body=sdp(4000))
    invite = await bob.request("INVITE")

    assert set(asked) <= set(invite.headers.raw_fields())
