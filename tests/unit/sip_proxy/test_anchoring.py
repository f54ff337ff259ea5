"""How SDP becomes what the worker is told and what the parties see."""

import pytest

from shared.events import MediaLeg
from sip_proxy.anchoring import Anchor, Mode
from sip_proxy.local_media import answer, offer, take_answer
from sip_proxy.sip.dialog import Dialog
from sip_proxy.sip.sdp import NothingAcceptable, SessionDescription
from tests.unit.sip_proxy.builders import request

OFFER = """\
v=0
o=- 1 1 IN IP4 10.0.0.7
s=-
c=IN IP4 10.0.0.7
t=0 0
m=audio 4000 RTP/AVP 18 8 96
a=rtpmap:96 telephone-event/8000
a=ptime:20
m=video 4002 RTP/AVP 34
"""
ANSWER = """\
v=0
o=- 2 1 IN IP4 10.0.0.9
s=-
c=IN IP4 10.0.0.9
t=0 0
m=audio 5000 RTP/AVP 8 101
a=rtpmap:101 telephone-event/8000
m=video 0 RTP/AVP 34
"""


def sdp(text: str) -> SessionDescription:
    return SessionDescription.parse(text.replace("\n", "\r\n").encode())


def anchor(mode: Mode = "relay") -> Anchor:
    legs = (MediaLeg(party="caller", port=20000), MediaLeg(party="callee", port=20002))
    return Anchor(worker="w", address="192.0.2.80", media_id="m", mode=mode, legs=legs if mode == "relay" else legs[:1])


def dialog() -> Dialog:
    return Dialog.opened(request(), "ours", 7)


def lines(body: bytes) -> list[str]:
    return body.decode().split("\r\n")


def test_the_callee_is_told_to_send_to_our_port_towards_it() -> None:
    body = lines(anchor().rewritten("caller", sdp(OFFER)))

    assert "m=audio 20002 RTP/AVP 18 8 96" in body
    assert "c=IN IP4 192.0.2.80" in body


def test_other_media_are_left_alone() -> None:
    body = lines(anchor().rewritten("caller", sdp(OFFER)))

    video = body.index("m=video 4002 RTP/AVP 34")
    assert "c=IN IP4 10.0.0.7" in body[: video + 2]


def test_each_side_is_known_by_its_own_description() -> None:
    both = anchor().learned("caller", sdp(OFFER), "198.51.100.7").learned("callee", sdp(ANSWER), "203.0.113.9")

    caller, callee = both.legs
    assert (caller.remote_address, caller.remote_port, caller.signalling_address) == ("10.0.0.7", 4000, "198.51.100.7")
    assert (callee.remote_address, callee.remote_port, callee.signalling_address) == ("10.0.0.9", 5000, "203.0.113.9")
    assert (caller.port, callee.port) == (20000, 20002)
    assert both.codec == "PCMA"


def test_a_party_may_send_what_the_other_can_receive_under_the_others_numbers() -> None:
    both = anchor().learned("caller", sdp(OFFER), "a").learned("callee", sdp(ANSWER), "b")

    sends = {leg.party: [known.payload_type for known in leg.formats] for leg in both.legs}
    assert sends["caller"][:2] == [8, 101]
    assert sends["callee"][:3] == [18, 8, 96]


def test_a_hold_keeps_our_ports_and_says_who_may_send() -> None:
    both = anchor().learned("caller", sdp(OFFER), "a").learned("callee", sdp(ANSWER), "b")

    held = both.learned("caller", sdp(OFFER.replace("a=ptime:20", "a=inactive")), "a")

    assert held.on_hold
    assert [leg.sends for leg in held.legs] == [False, True]
    assert [leg.port for leg in held.legs] == [20000, 20002]


def test_a_hold_of_old_has_no_address() -> None:
    held = anchor().learned("caller", sdp(OFFER.replace("c=IN IP4 10.0.0.7", "c=IN IP4 0.0.0.0")), "a")

    assert held.on_hold
    assert (held.leg("caller").remote_address, held.leg("caller").remote_port) == (None, None)


def test_a_description_without_audio_changes_nothing() -> None:
    fax = sdp("v=0\no=- 1 1 IN IP4 10.0.0.7\ns=-\nc=IN IP4 10.0.0.7\nt=0 0\nm=image 4000 udptl t38\n")
    before = anchor()

    assert before.learned("caller", fax, "a") == before
    assert before.rewritten("caller", fax) == fax.body


def test_the_record_of_a_call_survives_redis() -> None:
    both = anchor().learned("caller", sdp(OFFER), "a").learned("callee", sdp(ANSWER), "b")

    assert Anchor.model_validate_json(both.model_dump_json()) == both


def test_echo_takes_the_first_codec_of_the_offer() -> None:
    agreed, _, body = answer(anchor("echo"), sdp(OFFER), dialog(), "a")

    assert "m=audio 20000 RTP/AVP 18 96" in lines(body)
    assert "m=video 0 RTP/AVP 34" in lines(body)
    assert agreed.codec == "G729"


@pytest.mark.parametrize("mode", ["tone", "announce"])
def test_what_is_played_is_played_in_the_first_codec_of_the_offer_that_we_have_it_in(mode: Mode) -> None:
    agreed, _, body = answer(anchor(mode), sdp(OFFER), dialog(), "a")
    with pytest.raises(NothingAcceptable):
        answer(anchor(mode), sdp("v=0\nc=IN IP4 10.0.0.7\nt=0 0\nm=audio 4000 RTP/AVP 3\n"), dialog(), "a")

    assert "m=audio 20000 RTP/AVP 18 96" in lines(body)
    assert [known.encoding for known in agreed.legs[0].formats] == ["G729", "TELEPHONE-EVENT"]


@pytest.mark.parametrize(
    ("direction", "listens"), [("sendrecv", True), ("recvonly", True), ("sendonly", False), ("inactive", False)]
)
def test_the_worker_is_told_whether_the_caller_may_be_sent_to(direction: str, listens: bool) -> None:
    agreed, _, _ = answer(anchor("tone"), sdp(OFFER.replace("a=ptime:20", f"a={direction}")), dialog(), "a")

    assert agreed.leg("caller").listens is listens


def test_our_version_moves_only_when_our_description_does() -> None:
    made, after, first = answer(anchor("echo"), sdp(OFFER), dialog(), "a")
    made, after, same = answer(made, sdp(OFFER), after, "a")
    _, _, other = answer(made, sdp(OFFER.replace("a=ptime:20", "a=sendonly")), after, "a")

    assert first == same
    assert [lines(body)[1].split()[2] for body in (first, other)] == ["1", "2"]


def test_our_own_offer_is_answered_in_the_ack() -> None:
    asked, body = offer(anchor("tone"), dialog())
    _, again = offer(anchor("tone"), asked)

    agreed = take_answer(anchor("tone"), sdp(ANSWER), "a")

    assert "m=audio 20000 RTP/AVP 8 0 9 18 101" in lines(body)
    assert lines(again)[1].split()[2] == "2"
    assert agreed.leg("caller").remote_port == 5000
