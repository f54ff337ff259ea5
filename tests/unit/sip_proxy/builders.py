"""SIP messages for the unit tests of the proxy, with sensible values."""

from collections.abc import Iterable

from sip_proxy.effects import Address, Flow
from sip_proxy.routing.site import Site
from sip_proxy.sip.message import Request, Response, response_to
from sip_proxy.sip.parser import parse_datagram

AT = 1_700_000_000.0
SITE = Site(Address("192.0.2.1", 5060), "example.com", frozenset({"sip.example.com"}))
FROM_ALICE = Flow("udp", SITE.address, Address("198.51.100.7", 40000))
TO_BOB = Flow("udp", SITE.address, Address("203.0.113.9", 5062))


def request(
    method: str = "INVITE",
    uri: str = "sip:bob@example.com",
    *headers: tuple[str, str],
    branch: str = "z9hG4bKa",
    to_tag: str | None = None,
    from_tag: str | None = "alice",
    call_id: str = "call-1",
    cseq: int = 1,
    max_forwards: int | None = 70,
    contact: str | None = "<sip:alice@10.0.0.7>",
    body: bytes = b"",
) -> Request:
    """A request of alice, as the parser hands it over."""
    lines = [
        f"{method} {uri} SIP/2.0",
        f"Via: SIP/2.0/UDP 198.51.100.7:40000;branch={branch};rport",
        *([] if max_forwards is None else [f"Max-Forwards: {max_forwards}"]),
        "From: <sip:alice@example.com>" + ("" if from_tag is None else f";tag={from_tag}"),
        "To: <sip:bob@example.com>" + ("" if to_tag is None else f";tag={to_tag}"),
        f"Call-ID: {call_id}",
        f"CSeq: {cseq} {method}",
        *([] if contact is None else [f"Contact: {contact}"]),
        *(f"{name}: {value}" for name, value in headers),
        f"Content-Length: {len(body)}",
    ]
    message = parse_datagram("\r\n".join([*lines, "", ""]).encode() + body)
    assert isinstance(message, Request)
    return message


def answer(to: Request, status: int, tag: str | None = "bob", headers: Iterable[tuple[str, str]] = ()) -> Response:
    """A response to it from bob."""
    return response_to(to, status, to_tag=tag, headers=headers)
