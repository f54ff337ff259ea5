"""Messages out of a stream: by Content-Length, however the octets are cut."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sip_proxy.sip.framing import Framed, Framer, Malformed, Ping
from sip_proxy.sip.message import Request
from sip_proxy.sip.parser import Limits


def octets(*headers: str, method: str = "OPTIONS", body: bytes = b"", length: str | None = None) -> bytes:
    lines = [
        f"{method} sip:example.com SIP/2.0",
        "Via: SIP/2.0/TCP 192.0.2.1;branch=z9hG4bKa",
        "From: <sip:a@example.com>;tag=1",
        "To: <sip:b@example.com>",
        "Call-ID: 1",
        f"CSeq: 1 {method}",
        *headers,
        *([f"Content-Length: {len(body)}"] if length is None else [length]),
    ]
    return "\r\n".join([line for line in lines if line] + ["", ""]).encode() + body


def methods(frames: list[object]) -> list[str]:
    return [
        frame.message.method for frame in frames if isinstance(frame, Framed) and isinstance(frame.message, Request)
    ]


STREAM = (
    octets()
    + b"\r\n"
    + octets(method="MESSAGE", body=b"INVITE sip:hidden@example.com SIP/2.0\r\n\r\n")
    + b"\r\n\r\n"
    + octets(method="INFO", length="l :  4", body=b"\r\n\r\n")
)


@given(st.lists(st.integers(0, len(STREAM)), max_size=12))
def test_wherever_a_stream_is_cut_its_messages_are_the_same(cuts: list[int]) -> None:
    framer = Framer()
    edges = [0, *sorted(cuts), len(STREAM)]
    frames = [frame for start, end in itertools.pairwise(edges) for frame in framer.feed(STREAM[start:end])]

    assert methods(list(frames)) == ["OPTIONS", "MESSAGE", "INFO"]
    assert sum(isinstance(frame, Ping) for frame in frames) == 1
    assert not framer.partial


def test_a_message_keeps_the_octets_it_came_as() -> None:
    message = octets("X-Odd :  as it is", body=b"\x00\xff", method="MESSAGE")

    [frame] = Framer().feed(message)

    assert isinstance(frame, Framed)
    assert frame.octets == message
    assert frame.message.body == b"\x00\xff"


@pytest.mark.parametrize(
    ("length", "reason"),
    [
        ("", "Missing Content-Length"),
        ("Content-Length: -1", "Malformed Content-Length"),
        ("Content-Length: 0\r\nl: 5", "Multiple Content-Length"),
        ("Content-Length: five", "Malformed Content-Length"),
        ("Content-Length: 99999", "Message Too Large"),
    ],
)
def test_without_a_sound_content_length_the_stream_is_lost(length: str, reason: str) -> None:
    framer = Framer()

    [frame] = framer.feed(octets(length=length) + octets())

    assert isinstance(frame, Malformed)
    assert frame.fatal
    assert (frame.error.reason, frame.error.partial is not None) == (reason, True)
    assert framer.feed(octets()) == []
    assert not framer.partial


def test_a_bad_message_in_a_sound_frame_leaves_the_next_one_readable() -> None:
    bad, good = Framer().feed(octets("Max-Forwards: many") + octets(method="INFO"))

    assert isinstance(bad, Malformed)
    assert not bad.fatal
    assert methods([good]) == ["INFO"]


@pytest.mark.parametrize(
    "start", [b"\x16\x03\x01\x02\x00\x01", b"\x03\x00\x00\x13", b"\x00", b"[", b"GET\t/", b"\rOPT", b"\n"]
)
def test_what_cannot_become_sip_is_given_up_at_its_first_octets(start: bytes) -> None:
    [frame] = Framer().feed(start)

    assert isinstance(frame, Malformed)
    assert frame.fatal
    assert frame.error.status is None


def test_a_web_browser_gets_no_answer() -> None:
    [frame] = Framer().feed(b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n")

    assert isinstance(frame, Malformed)
    assert frame.error.status is None


def test_a_head_without_end_is_given_up_at_the_limit() -> None:
    framer = Framer(Limits(message_bytes=1000))
    frames = []
    for _ in range(20):
        frames += framer.feed(b"OPTIONS sip:example.com SIP/2.0\r\nX: " + b"x" * 100)

    [frame] = frames
    assert isinstance(frame, Malformed)
    assert frame.error.reason == "Message Too Large"


@pytest.mark.parametrize("beginning", [b"S", b"SI", b"SIP", b"SIP/2.0 200 OK", b"INVI", b"INVITE sip:"])
def test_the_beginning_of_a_message_is_partial(beginning: bytes) -> None:
    framer = Framer()

    assert framer.feed(beginning) == []
    assert framer.partial


def test_half_a_ping_is_nothing_yet() -> None:
    framer = Framer()

    assert framer.feed(b"\r\n") == []
    assert not framer.partial
    assert framer.feed(b"\r\n") == [Ping()]


@given(st.binary(max_size=400), st.integers(1, 50))
def test_no_octets_break_the_framer(data: bytes, size: int) -> None:
    framer = Framer(Limits(message_bytes=200))
    for at in range(0, len(data), size):
        framer.feed(data[at : at + size])
