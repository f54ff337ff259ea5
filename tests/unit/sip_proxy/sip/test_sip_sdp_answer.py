"""The answer of our own extensions."""

import pytest

from sip_proxy.sip.sdp import Answer, NothingAcceptable, SessionDescription, answer_for

ALL = ("G729", "PCMA", "PCMU", "G722", "OPUS")
OFFER = """v=0
o=anna 4711 1 IN IP4 192.0.2.10
s=-
c=IN IP4 192.0.2.10
t=3034423619 3042462419
m=audio 40000 RTP/AVP 107 18 8 100 101
a=rtpmap:107 opus/48000/2
a=fmtp:107 useinbandfec=1
a=rtpmap:100 telephone-event/48000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-15
a=ptime:30
"""


def answer(text: str, *encodings: str, prefer_ours: bool = False, address: str = "198.51.100.1") -> Answer:
    offer = SessionDescription.parse(text.replace("\n", "\r\n").encode())
    return answer_for(
        offer, address=address, port=20000, encodings=encodings, session_id=7, version=2, prefer_ours=prefer_ours
    )


def text_of(given: Answer) -> str:
    return given.body.decode().replace("\r\n", "\n")


def test_the_first_format_of_the_offer_that_we_know_is_answered_with_its_number() -> None:
    given = answer(OFFER, *ALL)

    assert text_of(given) == (
        "v=0\n"
        "o=- 7 2 IN IP4 198.51.100.1\n"
        "s=-\n"
        "c=IN IP4 198.51.100.1\n"
        "t=3034423619 3042462419\n"
        "m=audio 20000 RTP/AVP 107 100\n"
        "a=rtpmap:107 opus/48000/2\n"
        "a=fmtp:107 useinbandfec=1\n"
        "a=rtpmap:100 telephone-event/48000\n"
        "a=ptime:30\n"
        "a=sendrecv\n"
    )
    assert [item.payload_type for item in given.formats] == [107, 100]
    assert given.body.endswith(b"\r\n")


def test_our_preference_decides_when_we_say_so() -> None:
    given = answer(OFFER, "PCMU", "PCMA", "G729", prefer_ours=True)

    assert [item.encoding for item in given.formats] == ["PCMA", "TELEPHONE-EVENT"]
    assert given.formats[1].payload_type == 101


def test_an_offer_without_events_is_answered_without_them() -> None:
    text = text_of(answer("v=0\nt=0 0\nm=audio 4 RTP/AVP 8\n", *ALL))

    assert "m=audio 20000 RTP/AVP 8\na=rtpmap:8 PCMA/8000\na=sendrecv\n" in text


@pytest.mark.parametrize("said", ["", "a=fmtp:18 annexb=no\n", "a=fmtp:18 annexb=yes\n"])
def test_what_the_offer_says_of_annex_b_is_answered_and_its_silence_too(said: str) -> None:
    """RFC 4856 2.1.9: annex B is on when nobody says no, so a word of ours would change it."""
    text = text_of(answer(f"v=0\nt=0 0\nm=audio 4 RTP/AVP 18\n{said}", *ALL))

    assert f"a=rtpmap:18 G729/8000\n{said}a=sendrecv\n" in text


@pytest.mark.parametrize(
    ("offered", "answered"),
    [("sendrecv", "sendrecv"), ("sendonly", "recvonly"), ("recvonly", "sendonly"), ("inactive", "inactive")],
)
def test_the_direction_is_answered_from_the_other_side(offered: str, answered: str) -> None:
    assert text_of(answer(f"{OFFER}a={offered}\n", *ALL)).endswith(f"a={answered}\n")


def test_a_hold_by_address_is_answered_with_silence() -> None:
    assert text_of(answer(OFFER.replace("c=IN IP4 192.0.2.10", "c=IN IP4 0.0.0.0"), *ALL)).endswith("a=recvonly\n")


def test_all_other_media_is_declined_in_its_place() -> None:
    given = answer(
        "v=0\nc=IN IP4 192.0.2.1\nt=0 0\n"
        "m=video 6000 RTP/AVP 31 97\n"
        "m=audio 0 RTP/AVP 8\n"
        "m=audio 6004 RTP/SAVP 8\n"
        "m=audio 6006 RTP/AVP 96\n"
        "m=audio 6008 RTP/AVP 0\n"
        "m=image 6010 udptl t38\n"
        "m=audio 6012 RTP/AVP 8\n",
        *ALL,
    )

    assert [line for line in text_of(given).split("\n") if line.startswith("m=")] == [
        "m=video 0 RTP/AVP 31 97",
        "m=audio 0 RTP/AVP 8",
        "m=audio 0 RTP/SAVP 8",
        "m=audio 0 RTP/AVP 96",
        "m=audio 20000 RTP/AVP 0",
        "m=image 0 udptl t38",
        "m=audio 0 RTP/AVP 8",
    ]
    assert given.media.index == 4


@pytest.mark.parametrize(
    "media", ["", "m=audio 4 RTP/AVP 3\n", "m=audio 0 RTP/AVP 8\n", "m=audio 4 RTP/SAVP 8\n", "m=video 4 RTP/AVP 8\n"]
)
def test_an_offer_that_we_cannot_answer_says_so(media: str) -> None:
    with pytest.raises(NothingAcceptable):
        answer(f"v=0\nc=IN IP4 192.0.2.1\nt=0 0\n{media}", *ALL)


def test_an_offer_without_times_is_answered_with_some() -> None:
    assert "t=0 0\n" in text_of(answer("v=0\nm=audio 4 RTP/AVP 8\n", *ALL))


def test_our_ipv6_address_is_named_as_such() -> None:
    assert "c=IN IP6 2001:db8::5\n" in text_of(answer(OFFER, *ALL, address="2001:db8::5"))
