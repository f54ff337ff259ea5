"""The impaired line without its sockets: which packets it loses, and which addresses it translates."""

import struct

import pytest

from sip_proxy.sip.parser import parse_datagram
from vqm_local.impair import Address, Loss, Translation, audio_address, ends_call, is_rtp, lead_audio_to

MONITOR, LINE = Address("192.0.2.1", 5060), Address("192.0.2.9", 40000)
PHONE, OUTSIDE = Address("192.0.2.7", 6000), Address("192.0.2.9", 50000)
OUTWARD = Translation({LINE: MONITOR, PHONE: OUTSIDE})
INWARD = Translation({MONITOR: LINE, OUTSIDE: PHONE}, rport=PHONE.port)

SDP = "\r\n".join(
    (
        *("v=0", "o=- 7 7 IN IP4 192.0.2.7", "s=-", "c=IN IP4 192.0.2.7", "t=0 0"),
        *("m=audio 4000 RTP/AVP 8", "a=rtcp:4001 IN IP4 192.0.2.7", ""),
    )
)


def rtp(payload_type=8):
    return struct.pack("!BBHII", 0x80, payload_type, 1, 160, 7) + bytes(160)


def message(start_line, *fields, body="", cseq="1 INVITE"):
    lines = [
        start_line,
        "Via: SIP/2.0/UDP 192.0.2.7:6000;branch=z9hG4bKx;rport=50000",
        "From: <sip:a@example.com>;tag=1",
        "To: <sip:b@example.com>",
        "Call-ID: call-1",
        f"CSeq: {cseq}",
        *fields,
        f"Content-Length: {len(body)}",
    ]
    return parse_datagram(("\r\n".join([*lines, "", ""]) + body).encode())


def test_exactly_every_nth_rtp_packet_is_lost():
    loss = Loss(20)

    lost = [place for place in range(1, 101) if loss.takes(rtp())]

    assert lost == [20, 40, 60, 80, 100]
    assert (loss.forwarded, loss.dropped) == (95, 5)


def test_a_clean_line_loses_nothing():
    loss = Loss(None)

    assert not any(loss.takes(rtp()) for _ in range(50))
    assert loss.forwarded == 50


@pytest.mark.parametrize("packet", [b"", rtp()[:11], b"\x00" + rtp()[1:], rtp(payload_type=72 | 0x80)])
def test_what_is_not_rtp_is_neither_lost_nor_counted(packet):
    loss = Loss(1)

    assert not is_rtp(packet)
    assert not loss.takes(packet)
    assert loss.forwarded == 0


def test_outward_the_phone_appears_at_the_line():
    request = message(
        f"BYE sip:999@{LINE} SIP/2.0", f"Contact: <sip:a@{PHONE};ob>", f"Route: <sip:{LINE};lr>", cseq="2 BYE"
    )

    OUTWARD.signalling(request)

    assert request.uri == f"sip:999@{MONITOR}"
    assert request.headers.get("contact") == f"<sip:a@{OUTSIDE};ob>"
    assert request.headers.get("route") == f"<sip:{MONITOR};lr>"


def test_inward_the_monitor_appears_at_the_line_and_the_translation_stays_hidden():
    response = message(
        "SIP/2.0 200 OK", f"Contact: <sip:999@{MONITOR};transport=udp>", f"Record-Route: <sip:{MONITOR};lr>"
    )

    INWARD.signalling(response)

    assert response.headers.get("contact") == f"<sip:999@{LINE};transport=udp>"
    assert response.headers.get("record-route") == f"<sip:{LINE};lr>"
    assert response.top_via().rport == PHONE.port


def test_foreign_addresses_and_the_star_stay_as_they_are():
    request = message("REGISTER sip:example.com SIP/2.0", "Contact: *", cseq="1 REGISTER")
    other = message("INVITE sip:b@198.51.100.1:5060 SIP/2.0", "Contact: <tel:+39055>")

    for untouched in (request, other):
        before = untouched.encode()
        OUTWARD.signalling(untouched)

        assert untouched.encode() == before


def test_audio_is_led_through_the_line_with_its_rtcp():
    request = message("INVITE sip:b@example.com SIP/2.0", "Content-Type: application/sdp", body=SDP)
    assert audio_address(request) == ("192.0.2.7", 4000)

    lead_audio_to(request, Address("192.0.2.9", 51000))

    assert audio_address(request) == ("192.0.2.9", 51000)
    assert b"a=rtcp:51001" in request.body
    assert request.content_length == len(request.body)


def test_a_message_without_sdp_names_no_audio():
    assert audio_address(message("INVITE sip:b@example.com SIP/2.0")) is None


@pytest.mark.parametrize(
    ("status", "cseq", "over"),
    [(200, "2 BYE", True), (487, "1 INVITE", True), (407, "1 INVITE", True), (180, "1 INVITE", False)],
)
def test_the_media_path_lives_until_the_call_is_answered_away(status, cseq, over):
    assert ends_call(message(f"SIP/2.0 {status} X", cseq=cseq)) is over
