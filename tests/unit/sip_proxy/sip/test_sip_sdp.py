"""Session descriptions: read what a relay needs, and refuse what cannot be anchored."""

import pytest

from sip_proxy.sip.errors import SdpError
from sip_proxy.sip.sdp import Format, SessionDescription


def sdp(*lines: str) -> bytes:
    return "\r\n".join((*lines, "")).encode()


HEAD = ("v=0", "o=anna 4711 1 IN IP4 192.0.2.10", "s=-", "c=IN IP4 192.0.2.10", "t=0 0")


def test_media_is_seen_with_all_a_relay_needs() -> None:
    description = SessionDescription.parse(
        sdp(
            *HEAD,
            "m=audio 40000 RTP/AVP 18 8 111 101",
            "c=IN IP4 192.0.2.11/127",
            "a=rtpmap:111 opus/48000/2",
            "a=fmtp:111 useinbandfec=1",
            "a=rtpmap:101 telephone-event/8000",
            "a=fmtp:101 0-15",
            "a=fmtp:18 annexb=no",
            "a=ptime:30",
            "a=rtcp:40011 IN IP4 192.0.2.11",
            "a=rtcp-mux",
            "a=candidate:1 1 UDP 1 192.0.2.11 40000 typ host",
            "m=video 0 RTP/AVP 31",
        )
    )

    audio, video = description.media
    assert description.audio == (audio,)
    assert (audio.kind, audio.port, audio.proto, audio.address) == ("audio", 40000, "RTP/AVP", "192.0.2.11")
    assert audio.formats == (
        Format(18, "G729", 8000, 1, "annexb=no"),
        Format(8, "PCMA", 8000),
        Format(111, "OPUS", 48000, 2, "useinbandfec=1"),
        Format(101, "TELEPHONE-EVENT", 8000, 1, "0-15"),
    )
    assert (audio.ptime_ms, audio.rtcp_port, audio.rtcp_mux) == (30.0, 40011, True)
    assert audio.candidates == ("1 1 UDP 1 192.0.2.11 40000 typ host",)
    assert (video.index, video.active, video.address) == (1, False, "192.0.2.10")


def test_static_payload_types_need_no_rtpmap() -> None:
    media = SessionDescription.parse(sdp(*HEAD, "m=audio 40000 RTP/AVP 0 9 13 96")).audio[0]

    assert [(item.payload_type, item.encoding, item.clock_rate) for item in media.formats] == [
        (0, "PCMU", 8000),
        (9, "G722", 8000),
        (13, "CN", 8000),
    ]
    assert media.format_list == ("0", "9", "13", "96")


@pytest.mark.parametrize(
    "rtpmap",
    ["96", "96 opus", "96 opus/0", "96 opus/x", "96 opus/9999999", "96 opus/48000/0", "96 opus/48000/99", "128 o/8000"],
)
def test_an_unusable_rtpmap_is_no_format(rtpmap: str) -> None:
    assert SessionDescription.parse(sdp(*HEAD, "m=audio 4 RTP/AVP 96", f"a=rtpmap:{rtpmap}")).audio[0].formats == ()


def test_an_rtpmap_overrides_the_static_table() -> None:
    description = SessionDescription.parse(sdp(*HEAD, "m=audio 4 RTP/AVP 9 9", "a=rtpmap:9 G722/16000"))

    assert description.audio[0].formats == (Format(9, "G722", 16000),)


@pytest.mark.parametrize(
    ("session", "media", "direction", "sends", "held"),
    [
        ((), (), "sendrecv", True, False),
        (("a=sendonly",), (), "sendonly", True, True),
        (("a=sendonly",), ("a=recvonly",), "recvonly", False, False),
        ((), ("a=inactive ",), "inactive", False, True),
        ((), ("c=IN IP4 0.0.0.0",), "sendrecv", True, True),
        ((), ("c=IN IP6 0:0::0",), "sendrecv", True, True),
    ],
)
def test_directions_and_holds_are_seen(
    session: tuple[str, ...], media: tuple[str, ...], direction: str, sends: bool, held: bool
) -> None:
    audio = SessionDescription.parse(sdp(*HEAD, *session, "m=audio 4 RTP/AVP 8", *media)).audio[0]

    assert (audio.direction, audio.sends, audio.held) == (direction, sends, held)


def test_fax_and_encrypted_media_are_recognised() -> None:
    description = SessionDescription.parse(
        sdp(*HEAD, "m=image 4002 udptl t38", "m=audio 4004 RTP/SAVP 8", "m=audio 4006 RTP/AVPF 8")
    )

    fax, encrypted, plain = description.media
    assert (fax.is_rtp, fax.formats, fax.format_list) == (False, (), ("t38",))
    assert (encrypted.is_rtp, encrypted.encrypted) == (True, True)
    assert (plain.is_rtp, plain.encrypted) == (True, False)


@pytest.mark.parametrize("address", ["gateway.example.net", "fe80::1%eth0", "192.0.2.010", "1.2.3"])
def test_what_is_no_ip_address_is_an_unknown_address(address: str) -> None:
    description = SessionDescription.parse(sdp(*HEAD, "m=audio 4 RTP/AVP 8", f"c=IN IP4 {address}"))

    assert description.audio[0].address is None


def test_ipv6_and_ipv4_may_stand_side_by_side() -> None:
    body = sdp(
        "v=0",
        "s=",
        "t=0 0",
        "m=audio 4 RTP/AVP 0",
        "c=IN IP4 192.0.2.1",
        "m=video 6 RTP/AVP 31",
        "c=IN IP6 2001:db8::1",
    )

    assert [media.address for media in SessionDescription.parse(body).media] == ["192.0.2.1", "2001:db8::1"]


@pytest.mark.parametrize("ptime", ["0", "20000", "-20", "x", "", "1e3"])
def test_a_ptime_that_makes_no_sense_is_unknown(ptime: str) -> None:
    assert SessionDescription.parse(sdp(*HEAD, "m=audio 4 RTP/AVP 8", f"a=ptime:{ptime}")).audio[0].ptime_ms is None


def test_a_fraction_of_a_millisecond_is_a_ptime() -> None:
    assert SessionDescription.parse(sdp(*HEAD, "m=audio 4 RTP/AVP 8", "a=ptime:2.5")).audio[0].ptime_ms == 2.5


def test_line_ends_may_be_lf_and_the_last_may_be_missing_or_many() -> None:
    body = sdp(*HEAD, "m=audio 4 RTP/AVP 8")

    for variant in (body.replace(b"\r\n", b"\n"), body.rstrip(), body + b"\r\n\r\n"):
        assert SessionDescription.parse(variant).lines == SessionDescription.parse(body).lines


def test_a_description_without_media_is_one() -> None:
    assert SessionDescription.parse(sdp(*HEAD)).media == ()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\r\n",
        b"garbage",
        b"m=audio 4 RTP/AVP 8\r\n",
        sdp("v=0", "testing=123"),
        sdp("v=0", "", "s=-"),
        sdp("v=0", "m =video 3227 RTP/AVP 31"),
        sdp("v=0", "s=a\rc=IN IP4 192.0.2.66"),
        sdp("v=0", "c=IN IP4"),
        sdp("v=0", "c=ATM x y"),
        sdp("v=0", "c=IN IP4 192.0.2.1", "c=nonsense"),
        sdp("v=0", "m=audio 65536 RTP/AVP 8"),
        sdp("v=0", "m=audio -1 RTP/AVP 8"),
        sdp("v=0", "m=audio " + "9" * 5000 + " RTP/AVP 8"),
        sdp("v=0", "m=audio 4 RTP/AVP"),
        sdp("v=0", "m=audio 4 RTP/AVP 128"),
        sdp("v=0", "m=audio 4 RTP/AVP t38"),
        sdp("v=0", "m=audio"),
    ],
)
def test_what_cannot_be_anchored_is_refused(body: bytes) -> None:
    with pytest.raises(SdpError):
        SessionDescription.parse(body)
