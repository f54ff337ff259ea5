"""No message costs more than linear time: whatever is repeated in whichever place, four times as much of it takes about
four times as long to read."""

import contextlib
import itertools
import time
from collections.abc import Callable

import pytest

from sip_proxy.media.bodies import anchor_body, description_of
from sip_proxy.sip.digest import parse_authorization
from sip_proxy.sip.errors import SdpError, SipParseError
from sip_proxy.sip.message import Request
from sip_proxy.sip.parser import parse_datagram
from sip_proxy.sip.redact import redact
from tests.unit.sip_proxy.media.test_anchoring import anchor

HEAD = (
    "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP a:5060;branch=z9hG4bKa{via}\r\nFrom: {from_}<sip:a@b>;tag=1\r\n"
    "To: <sip:b@b>\r\nCall-ID: c{call_id}\r\nCSeq: 1 INVITE\r\nContact: {contact}\r\nAuthorization: Digest {digest}\r\n"
    "{fields}Content-Type: {content_type}\r\n\r\n{body}"
)
PLAIN = {
    "method": "INVITE",
    "uri": "sip:b@b",
    "via": "",
    "from_": "",
    "call_id": "",
    "contact": "<sip:a@b>",
    "digest": 'realm="x"',
    "fields": "",
    "content_type": "application/sdp",
    "body": "v=0\r\n",
}
SDP = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\n"
# Where an attacker may repeat something, and how many characters fit there.
PLACES: dict[str, tuple[int, Callable[[str], dict[str, str]]]] = {
    "request uri": (900, lambda text: {"uri": "sip:" + text}),
    "method": (900, lambda text: {"method": text}),
    "via": (8000, lambda text: {"via": text}),
    "display name": (8000, lambda text: {"from_": text}),
    "quoted name": (8000, lambda text: {"from_": '"' + text}),
    "call id": (8000, lambda text: {"call_id": text}),
    "contact": (8000, lambda text: {"contact": text}),
    "contact uri": (8000, lambda text: {"contact": "<sip:" + text}),
    "contact params": (8000, lambda text: {"contact": "<sip:a@b>;" + text}),
    "digest": (8000, lambda text: {"digest": text}),
    "digest value": (8000, lambda text: {"digest": 'realm="' + text}),
    "fields": (8000, lambda text: {"fields": f"X: {text}\r\n"}),
    "route": (8000, lambda text: {"fields": f"Route: {text}\r\n"}),
    "boundary": (8000, lambda text: {"content_type": "multipart/mixed;" + text}),
    "parts": (12000, lambda text: {"content_type": "multipart/mixed;boundary=b", "body": "--b" + text}),
    "sdp": (12000, lambda text: {"body": SDP + text}),
    "m line": (12000, lambda text: {"body": f"{SDP}m=audio 1 RTP/AVP 0{text}\r\n"}),
    "c line": (12000, lambda text: {"body": f"{SDP}m=audio 1 RTP/AVP 0\r\nc=IN IP4 {text}\r\n"}),
    "rtpmap": (12000, lambda text: {"body": f"{SDP}m=audio 1 RTP/AVP 96\r\na=rtpmap:96 {text}\r\n"}),
    "crypto": (12000, lambda text: {"body": f"{SDP}m=audio 1 RTP/SAVP 0\r\na=crypto:1 inline:{text}\r\n"}),
}
SINGLE = ["a", "0", " ", "\t", '"', "\\", "<", ">", ";", ",", ":", "=", "@", "%", "[", "/", "*", "-", "."]
WORDS = [
    "\r\n ",
    "\r\n",
    "\r\n--b",
    "m=audio 1 RTP/AVP 0\r\n",
    "a=rtpmap:0 a/1\r\n",
    "a=candidate:\r\n",
    "c=IN IP4 1\r\n",
]
WORDS += [
    "sip:a@",
    "<sip:a@b>,",
    ";a=b",
    'nonce="',
    "response=",
    "inline:",
    "boundary=",
    ";boundary=",
    "a=fmtp:0 x\r\n",
]
PIECES = [*SINGLE, *("".join(pair) for pair in itertools.permutations(SINGLE, 2)), *WORDS]
FACTOR = 4
ALLOWED = 2.5 * FACTOR  # quadratic would be FACTOR times FACTOR
WORTH_MEASURING_S = 0.004


def read_all(octets: bytes) -> None:
    """Everything that the proxy may do with a message of a stranger or of a party."""
    redact(octets)
    with contextlib.suppress(SipParseError, SdpError):
        message = parse_datagram(octets)
        assert isinstance(message, Request)
        for value in message.headers.get_all("Authorization"):
            parse_authorization(value)
        message.encode()
        description_of(message)
        anchor_body(message, anchor(), "caller", "192.0.2.9")


def cost_s(place: str, piece: str, characters: int) -> float:
    octets = HEAD.format(**{**PLAIN, **PLACES[place][1](piece * (characters // len(piece)))}).encode()
    best = float("inf")
    for _ in range(3):
        before = time.thread_time()
        read_all(octets)
        best = min(best, time.thread_time() - before)
        if best < WORTH_MEASURING_S:
            break
    return best


@pytest.mark.parametrize("place", PLACES)
def test_what_is_repeated_costs_in_proportion(place: str) -> None:
    room = PLACES[place][0]

    dear = [piece for piece in PIECES if cost_s(place, piece, room) > WORTH_MEASURING_S]

    for piece in dear:
        ratio = cost_s(place, piece, room) / cost_s(place, piece, room // FACTOR)
        assert ratio < ALLOWED, f"{piece!r} repeated"
