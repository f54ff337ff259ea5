"""Messages as builders: read through typed views, changed where asked, written as they came elsewhere."""

import pytest

from sip_proxy.sip.errors import SipParseError, UnsupportedScheme
from sip_proxy.sip.headers import CSeq, parse_via
from sip_proxy.sip.message import Headers, Request, Response, response_to
from sip_proxy.sip.parser import parse_datagram

INVITE = (
    b"INVITE sip:999@monitor.example SIP/2.0\r\n"
    b"Via: SIP/2.0/UDP gw.example.net;branch=z9hG4bK1\r\n"
    b"v:SIP/2.0/TCP 192.0.2.9;branch=z9hG4bK2\r\n"
    b"Max-Forwards: 70\r\n"
    b"Record-Route: <sip:edge2.example;lr>,<sip:edge1.example;lr>\r\n"
    b"Route: <sip:monitor.example;lr>\r\n"
    b'f: "Anna"  <sip:anna@example.net>;tag=a1\r\n'
    b"To: <sip:999@monitor.example>\r\n"
    b"Call-ID: 4711@gw.example.net\r\n"
    b"CSeq: 0007 INVITE\r\n"
    b"Contact: <sip:anna@192.0.2.9>\r\n"
    b"Timestamp: 54\r\n"
    b"Expires: 120\r\n"
    b"X-Odd:   a ,, b\t\r\n"
    b"Content-Length: 4\r\n"
    b"\r\n"
    b"body"
)


def invite() -> Request:
    request = parse_datagram(INVITE)
    assert isinstance(request, Request)
    return request


def test_typed_views_read_the_fields() -> None:
    request = invite()

    assert (request.method, request.parsed_uri.user, request.version) == ("INVITE", "999", "SIP/2.0")
    assert request.top_via().branch == "z9hG4bK1"
    assert [via.transport for via in request.vias()] == ["UDP", "TCP"]
    assert (request.from_().display, request.from_().tag, request.to().tag) == ("Anna", "a1", None)
    assert (request.call_id, request.cseq) == ("4711@gw.example.net", CSeq(7, "INVITE"))
    assert [str(contact) for contact in request.contacts] == ["<sip:anna@192.0.2.9>"]
    assert [route.uri.host for route in request.routes] == ["monitor.example"]
    assert [route.uri.host for route in request.record_routes] == ["edge2.example", "edge1.example"]
    assert (request.max_forwards, request.expires, request.content_length) == (70, 120, 4)


def test_an_unchanged_message_goes_out_as_it_came() -> None:
    assert invite().encode() == INVITE


def test_a_changed_field_leaves_all_others_alone() -> None:
    request = invite()

    request.headers.set("Max-Forwards", "69")
    request.headers.prepend("Via", "SIP/2.0/UDP monitor.example;branch=z9hG4bK0")

    expected = INVITE.replace(b"Forwards: 70", b"Forwards: 69").replace(
        b"Via: SIP/2.0/UDP gw", b"Via: SIP/2.0/UDP monitor.example;branch=z9hG4bK0\r\nVia: SIP/2.0/UDP gw"
    )
    assert request.encode() == expected


def test_a_view_follows_its_field() -> None:
    request = invite()
    assert (request.top_via().branch, len(request.vias()), request.max_forwards) == ("z9hG4bK1", 2, 70)

    request.headers.prepend("v", "SIP/2.0/UDP monitor.example;branch=z9hG4bK0")
    request.headers.set("MAX-FORWARDS", "69")

    assert (request.top_via().branch, len(request.vias()), request.max_forwards) == ("z9hG4bK0", 3, 69)


def test_a_copy_is_independent() -> None:
    request = invite()
    copy = request.copy()

    copy.uri = "sip:bruno@192.0.2.20"
    copy.headers.remove_first("Via")
    copy.set_body(b"")

    assert request.encode() == INVITE
    assert copy.top_via().branch == "z9hG4bK2"
    assert copy.encode().startswith(b"INVITE sip:bruno@192.0.2.20 SIP/2.0\r\nv:SIP/2.0/TCP")


def test_a_new_body_brings_its_length_and_type() -> None:
    request = invite()

    request.set_body(b"v=0\r\n", "application/sdp")

    assert request.encode().endswith(b"Content-Length: 5\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n")
    assert request.content_length == 5


def test_a_new_body_corrects_a_compact_content_length_in_place() -> None:
    request = Request("INFO", "sip:a@b", [("l", "99"), ("Subject", "x")], b"old")

    request.set_body(b"12345")

    assert request.encode() == b"INFO sip:a@b SIP/2.0\r\nContent-Length: 5\r\nSubject: x\r\n\r\n12345"


def test_missing_fields_are_none_or_an_error() -> None:
    request = Request("OPTIONS", "sip:a@b")

    assert (request.max_forwards, request.expires, request.content_length) == (None, None, None)
    assert (request.contacts, request.routes, request.record_routes, request.vias()) == ((), (), (), ())
    for read in (request.top_via, request.from_, request.to):
        with pytest.raises(SipParseError, match="Missing"):
            read()
    with pytest.raises(SipParseError, match="Missing Call-Id"):
        _ = request.call_id
    with pytest.raises(SipParseError, match="Missing Cseq"):
        _ = request.cseq


def test_an_absurd_max_forwards_counts_as_absent_and_a_malformed_one_does_not() -> None:
    assert Request("OPTIONS", "sip:a@b", [("Max-Forwards", "256")]).max_forwards is None
    with pytest.raises(SipParseError):
        _ = Request("OPTIONS", "sip:a@b", [("Max-Forwards", "many")]).max_forwards


def test_an_absurd_expires_counts_as_absent() -> None:
    assert Request("REGISTER", "sip:b", [("Expires", "1" + "0" * 99)]).expires is None
    assert Request("REGISTER", "sip:b", [("Expires", "soon")]).expires is None


def test_a_request_to_another_scheme_says_so_when_it_is_routed() -> None:
    with pytest.raises(UnsupportedScheme):
        _ = Request("OPTIONS", "tel:+390583").parsed_uri


def test_a_response_copies_what_identifies_the_request() -> None:
    response = response_to(invite(), 180, to_tag="b2", headers=[("Contact", "<sip:999@192.0.2.1>")])

    assert response.encode() == (
        b"SIP/2.0 180 Ringing\r\n"
        b"Via: SIP/2.0/UDP gw.example.net;branch=z9hG4bK1\r\n"
        b"v:SIP/2.0/TCP 192.0.2.9;branch=z9hG4bK2\r\n"
        b'f: "Anna"  <sip:anna@example.net>;tag=a1\r\n'
        b"To: <sip:999@monitor.example>;tag=b2\r\n"
        b"Call-ID: 4711@gw.example.net\r\n"
        b"CSeq: 0007 INVITE\r\n"
        b"Contact: <sip:999@192.0.2.1>\r\n"
        b"Content-Length: 0\r\n\r\n"
    )


def test_a_tag_is_never_replaced() -> None:
    request = invite()
    request.headers.set("To", "<sip:999@monitor.example;tag=decoy>")
    assert response_to(request, 200, to_tag="b2").to().tag == "b2"

    request.headers.set("To", "<sip:999@monitor.example>;tag=theirs")

    assert response_to(request, 200, to_tag="b2").headers.get("To") == "<sip:999@monitor.example>;tag=theirs"


def test_a_100_takes_the_timestamp_and_no_tag() -> None:
    response = response_to(invite(), 100, to_tag="b2")

    assert (response.to().tag, response.headers.get("Timestamp")) == (None, "54")
    assert response.start_line == "SIP/2.0 100 Trying"


def test_a_response_may_have_its_own_reason_or_none_at_all() -> None:
    assert response_to(invite(), 400, "Bad Via", to_tag=None).start_line == "SIP/2.0 400 Bad Via"
    assert response_to(invite(), 299, to_tag=None).start_line == "SIP/2.0 299 "


def test_a_response_can_be_made_of_what_is_left_of_a_request() -> None:
    partial = Request("INVITE", "sip:a@b", [("Via", "SIP/2.0/UDP h;;"), ("To", '"open <sip:a@b>;tag=x')])

    response = response_to(partial, 400, to_tag="b2")

    assert response.headers.get_all("Via") == ["SIP/2.0/UDP h;;"]
    assert response.headers.get("To") == '"open <sip:a@b>;tag=x'


def test_messages_are_made_of_fields() -> None:
    response = Response(200, headers=Headers([("To", "<sip:a@b>")]))

    copy = response.copy()
    copy.headers.add("Via", str(parse_via("SIP/2.0/UDP h;branch=z9hG4bK1")))

    assert response.encode() == b"SIP/2.0 200 OK\r\nTo: <sip:a@b>\r\n\r\n"
    assert copy.encode() == b"SIP/2.0 200 OK\r\nTo: <sip:a@b>\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\n\r\n"
    assert (repr(copy), repr(invite())) == ("<Response 200 'OK'>", "<Request INVITE 'sip:999@monitor.example'>")
