"""How SDP becomes what the worker is told and what the parties see."""

import pytest

from shared.events import MediaLeg
from sip_proxy.extensions.local_media import answer, offer, take_answer
from sip_proxy.media.anchoring import MAX_DIALOGS, Anchor, Mode, PortRange
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
FAX = """\
v=0
o=- 1 2 IN IP4 10.0.0.7
s=-
c=IN IP4 10.0.0.7
t=0 0
m=image 4000 udptl t38
a=T38FaxVersion:0
"""
TWO_LINES = """\
v=0
o=- 1 1 IN IP4 10.0.0.7
s=-
c=IN IP4 10.0.0.7
t=0 0
m=audio 4000 RTP/AVP 8
m=audio 4010 RTP/AVP 8
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


@pytest.mark.parametrize(
    ("fmtp", "told"), [("annexb=no", "annexb=no"), ("x" * 256, "x" * 256), ("x" * 257, None), (None, None)]
)
def test_the_worker_is_told_the_parameters_of_a_codec_unless_they_are_endless(
    fmtp: str | None, told: str | None
) -> None:
    line = "" if fmtp is None else f"a=fmtp:18 {fmtp}\n"

    both = anchor().learned("caller", sdp(OFFER.replace("a=ptime", f"{line}a=ptime")), "a")

    assert both.legs[1].formats[0].fmtp == told


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


def test_audio_that_is_taken_away_can_come_back_on_the_same_ports() -> None:
    talking = anchor().learned("caller", sdp(OFFER), "a").learned("callee", sdp(ANSWER), "b")
    without = OFFER.replace("audio 4000", "audio 0")

    away = talking.learned("caller", sdp(without), "a")
    back = away.learned("caller", sdp(OFFER), "a")

    assert (away.session.relayed, away.codec, away.legs) == (False, "PCMA", talking.legs)
    assert lines(away.rewritten("caller", sdp(without)))[2:] == lines(sdp(without).body)[2:]
    assert back.session.relayed
    assert back.legs == talking.legs


def test_a_fax_runs_past_the_relay_and_the_record_says_so() -> None:
    talking = anchor().learned("caller", sdp(OFFER), "a").learned("callee", sdp(ANSWER), "b")

    faxing = talking.learned("caller", sdp(FAX), "a")
    after = faxing.learned("caller", sdp(OFFER), "a")

    assert (faxing.codec, faxing.session.relayed, faxing.on_hold) == ("T38", False, False)
    assert faxing.legs == talking.legs
    assert lines(talking.rewritten("caller", sdp(FAX)))[4:] == lines(sdp(FAX).body)[4:]
    assert (after.codec, after.session.relayed) == ("G729", True)


def test_each_dialog_of_a_fork_keeps_its_own_description() -> None:
    offered = anchor().learned("caller", sdp(OFFER), "a")
    both = offered.learned("callee", sdp(ANSWER), "b", tag="one", is_answer=True)
    both = both.learned("callee", sdp(ANSWER.replace("5000", "6000")), "c", tag="two", is_answer=True)

    answered = both.settled("one")
    late = answered.learned("callee", sdp(ANSWER.replace("5000", "7000")), "c", tag="two", is_answer=True)

    assert both.leg("callee").remote_port == 6000  # who spoke last is heard
    assert (answered.leg("callee").remote_port, answered.leg("callee").signalling_address) == (5000, "b")
    assert answered.leg("caller") == both.leg("caller")
    assert late == answered


def test_a_dialog_without_a_description_settles_on_what_there_is() -> None:
    early = anchor().learned("caller", sdp(OFFER), "a").learned("callee", sdp(ANSWER), "b", tag="one", is_answer=True)

    assert early.settled("other").legs == early.legs


def test_a_fork_cannot_fill_our_memory() -> None:
    made = anchor().learned("caller", sdp(OFFER), "a")

    for number in range(10 * MAX_DIALOGS):
        made = made.learned("callee", sdp(ANSWER), "b", tag=str(number), is_answer=True)

    assert len(made.sessions) == MAX_DIALOGS + 1
    assert str(10 * MAX_DIALOGS - 1) in made.sessions


def test_an_answer_keeps_to_the_line_of_its_offer() -> None:
    """The second stream of this offer runs past us, so that its answer has to as well."""
    offered = anchor().learned("caller", sdp(TWO_LINES), "a")

    declined = sdp(TWO_LINES.replace("audio 4000", "audio 0"))
    answered = offered.learned("callee", declined, "b", tag="one", is_answer=True)

    assert "m=audio 4010 RTP/AVP 8" in lines(offered.rewritten("caller", sdp(TWO_LINES)))
    assert "m=audio 4010 RTP/AVP 8" in lines(answered.rewritten("callee", declined, tag="one", is_answer=True))
    assert not answered.session.relayed


@pytest.mark.parametrize("second_port", [4000, 4010])
def test_of_a_stream_offered_encrypted_and_plain_the_answer_takes_one(second_port: int) -> None:
    optional = TWO_LINES.replace("audio 4000 RTP/AVP", "audio 4000 RTP/SAVP").replace("4010", str(second_port))
    plain = sdp(TWO_LINES.replace("audio 4000 RTP/AVP", "audio 0 RTP/SAVP").replace("4010", "5010"))

    offered = anchor().learned("caller", sdp(optional), "a")
    answered = offered.learned("callee", plain, "b", tag="one", is_answer=True)
    again = answered.learned("callee", plain, "b", tag="one", is_answer=True)

    offer = lines(offered.rewritten("caller", sdp(optional)))
    assert [line for line in offer if line.startswith("m=")] == ["m=audio 20002 RTP/SAVP 8", "m=audio 20002 RTP/AVP 8"]
    answer = lines(answered.rewritten("callee", plain, tag="one", is_answer=True))
    assert [line for line in answer if line.startswith("m=")] == ["m=audio 0 RTP/SAVP 8", "m=audio 20000 RTP/AVP 8"]
    assert offered.session.encrypted
    assert not answered.session.encrypted
    assert [leg.remote_port for leg in answered.legs] == [second_port, 5010]
    assert again == answered


def test_an_offer_may_move_to_another_line() -> None:
    offered = anchor().learned("caller", sdp(TWO_LINES), "a")
    moved = sdp(TWO_LINES.replace("audio 4000", "audio 0"))

    again = offered.learned("caller", moved, "a")

    assert again.leg("caller").remote_port == 4010
    assert "m=audio 20002 RTP/AVP 8" in lines(again.rewritten("caller", moved))


def test_encrypted_media_is_relayed_and_named() -> None:
    sdes = sdp(OFFER.replace("RTP/AVP 18", "RTP/SAVP 18").replace("a=ptime:20", "a=crypto:1 AES inline:KEY"))

    made = anchor().learned("caller", sdes, "a")

    assert made.leg("caller").encrypted
    assert "a=crypto:1 AES inline:KEY" in lines(made.rewritten("caller", sdes))


@pytest.mark.parametrize("proto", ["UDP/TLS/RTP/SAVPF", "RTP/SAVPF", "TCP/RTP/AVP"])
def test_what_the_relay_cannot_carry_is_left_alone(proto: str) -> None:
    """A DTLS handshake is no RTP: between us and both parties it would never end."""
    dtls = OFFER.replace("RTP/AVP 18", f"{proto} 18").replace("a=ptime:20", "a=fingerprint:sha-256 4A\na=candidate:1")

    made = anchor().learned("caller", sdp(dtls), "a")

    assert lines(made.rewritten("caller", sdp(dtls)))[2:] == lines(sdp(dtls).body)[2:]
    assert (made.session.relayed, made.codec) == (False, "G729")


@pytest.mark.parametrize(
    ("caller", "callee", "source", "kept"),
    [
        ("10.0.0.7 4000", "192.0.2.80 20010", "203.0.113.9", True),  # led through us twice: it goes on to another call
        ("192.0.2.80 20010", "192.0.2.80 20012", "203.0.113.9", False),
        ("192.0.2.80 20010", "192.0.2.80 4000", "203.0.113.9", False),
        ("10.0.0.7 4000", "192.0.2.80 20010", "192.0.2.80", False),
        ("192.0.2.80 4000", "192.0.2.80 5000", "192.0.2.80", True),  # phones on the machine of the relay
        ("192.0.2.80 4000", "192.0.2.80 19999", "203.0.113.9", False),  # its RTCP port is ours
    ],
)
def test_calls_cannot_send_to_each_other_in_a_circle(caller: str, callee: str, source: str, kept: bool) -> None:
    made = anchor().model_copy(update={"relays": (PortRange(address="192.0.2.80", first=20000, last=20039),)})
    for party, text in (("caller", caller), ("callee", callee)):
        address, port = text.split()
        described = OFFER.replace("IP4 10.0.0.7", f"IP4 {address}").replace("audio 4000", f"audio {port}")
        made = made.learned("caller" if party == "caller" else "callee", sdp(described), source)

    addresses = {leg.remote_address for leg in made.legs} | {leg.signalling_address for leg in made.legs}
    assert addresses == ({caller.split()[0], callee.split()[0], source} if kept else {None})


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
