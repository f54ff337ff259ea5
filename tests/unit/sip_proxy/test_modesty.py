"""An answer to a stranger is never larger than his question."""

import itertools
from collections.abc import Iterator

import pytest

from sip_proxy.accounts import seeded
from sip_proxy.admission import Door, Reply, capabilities
from sip_proxy.auth import Authenticator
from sip_proxy.carriers.carriers import Carriers
from sip_proxy.carriers.contact_tokens import ContactTokens
from sip_proxy.carriers.gate import Gate
from sip_proxy.effects import Address, Flow
from sip_proxy.extensions.extensions import EXTENSIONS
from sip_proxy.modesty import within
from sip_proxy.routing.proxy import stamp_source
from sip_proxy.sip.message import Request, Response, response_to
from sip_proxy.sip.parser import parse_datagram
from tests.unit.sip_proxy.builders import AT, SITE, request

GATE = Gate(SITE, Carriers(), ContactTokens(lambda: b"s" * 32))
DOOR = Door(SITE, Authenticator(seeded("vqm"), "vqm", b"s" * 32), EXTENSIONS, GATE)
FLOW = Flow("udp", SITE.address, Address("198.51.100.172", 40000))
DEVICE = ("User-Agent: Imola 3.2", "Allow: INVITE, ACK, BYE, CANCEL, OPTIONS")


def spoken(
    method: str, uri: str, *headers: str, rport: str = ";rport", to_tag: str = "", contact: bool = True
) -> bytes:
    """A request with what RFC 3261 8.1.1 demands, and what else is given."""
    lines = [
        f"{method} {uri} SIP/2.0",
        f"Via: SIP/2.0/UDP 10.0.0.12:5060;branch=z9hG4bK776asdhds{rport}",
        "Max-Forwards: 70",
        "From: <sip:gateway-monitor@192.0.2.1>;tag=1928301774",
        f"To: <sip:gateway-test@192.0.2.1>{to_tag}",
        "Call-ID: a84b4c76e66710@10.0.0.12",
        f"CSeq: 1 {method}",
        *(["Contact: <sip:gateway-monitor@10.0.0.12:5060>"] if contact else []),
        *headers,
        "Content-Length: 0",
    ]
    return "\r\n".join([*lines, "", ""]).encode()


def answer_to(octets: bytes) -> bytes | None:
    """What the stranger gets who sent this."""
    message = parse_datagram(octets)
    assert isinstance(message, Request)
    stamp_source(message, FLOW)
    verdict = DOOR.admit(message, FLOW, AT)
    response = verdict.response if isinstance(verdict, Reply) else DOOR.answer(message, 481)
    return within(response, len(octets))


def requests() -> Iterator[bytes]:
    """What devices and scanners send: with few words and with many, known and unknown users, in and out of dialogs."""
    methods = ("REGISTER", "INVITE", "OPTIONS", "MESSAGE", "SUBSCRIBE", "BYE", "NOTIFY", "UNHEARD", "UPDATE", "PUBLISH")
    uris = ("sip:192.0.2.1", "sip:gateway-test@192.0.2.1", "sip:999@192.0.2.1", "tel:+39050")
    for method, uri, rport, to_tag in itertools.product(methods, uris, ("", ";rport"), ("", ";tag=x")):
        yield spoken(method, uri, *DEVICE, rport=rport, to_tag=to_tag)
        yield spoken(method, uri, "Proxy-Require: foo", *DEVICE, rport=rport)
        yield spoken(method, uri, "Authorization: Digest nonsense", *DEVICE, rport=rport)


def test_every_question_of_a_real_device_is_answered_in_no_more_octets() -> None:
    for octets in requests():
        answer = answer_to(octets)

        assert answer is not None
        assert len(answer) <= len(octets)
        assert isinstance(parse_datagram(answer), Response)


@pytest.mark.parametrize("rport", ["", ";rport"])
@pytest.mark.parametrize("method", ["REGISTER", "INVITE", "OPTIONS", "MESSAGE", "SUBSCRIBE", "BYE"])
def test_the_barest_request_is_answered_too(method: str, rport: str) -> None:
    octets = spoken(method, "sip:gateway-test@192.0.2.1", rport=rport, contact=method != "REGISTER")

    answer = answer_to(octets)

    assert answer is not None
    assert len(answer) <= 1.3 * len(octets)


def test_what_is_large_enough_stays_as_it_is() -> None:
    response = response_to(request(), 200, to_tag="t", headers=capabilities())

    assert within(response, 10_000) == response.encode()


def test_the_least_useful_goes_first_and_the_message_stays_whole() -> None:
    response = response_to(request("OPTIONS"), 200, to_tag="t", headers=capabilities())
    whole = len(response.encode())
    shorter = [within(response, limit) or b"" for limit in range(whole, 0, -1)]

    assert b"Supported" not in shorter[1]
    assert b"Accept" in shorter[1]
    assert [len(each) for each in shorter if each] == sorted((len(each) for each in shorter if each), reverse=True)
    smallest = parse_datagram(min(filter(None, shorter), key=len))
    assert smallest.from_().tag == "alice"
    assert smallest.cseq.method == "OPTIONS"
    assert shorter[-1] == b""
    assert len(response.encode()) == whole  # the original is untouched


def test_a_realm_is_not_shortened() -> None:
    value = 'Digest realm="one, two", nonce="x", algorithm=MD5, qop="auth"'
    response = response_to(request(), 401, to_tag="t", headers=[("WWW-Authenticate", value)])

    shortest = within(response, len(response.encode()) - 36)

    assert shortest is not None
    assert b'Digest realm="one, two",nonce="x",algorithm=MD5,qop="auth"' in shortest


def test_all_but_a_challenge_has_to_fit() -> None:
    value = 'Digest realm="r",nonce="x",algorithm=MD5'
    challenge = response_to(request(), 401, "", to_tag="t", headers=[("WWW-Authenticate", value)])
    challenge.headers.remove("Content-Length")
    smallest, its_challenge = challenge.encode(), len("WWW-Authenticate") + len(value)

    assert within(challenge, len(smallest) - its_challenge) == smallest
    assert within(challenge, len(smallest) - its_challenge - 1) is None
    assert within(response_to(request(), 481, to_tag="t"), 150) is None
