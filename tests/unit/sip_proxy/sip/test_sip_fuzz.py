"""Whatever octets come in: a message that goes out as it came, or SipParseError (SdpError), and never anything else."""

import contextlib
from collections.abc import Callable
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sip_proxy.sip.digest import check_nonce, parse_authorization, verify
from sip_proxy.sip.errors import SdpError
from sip_proxy.sip.headers import parse_name_addr, parse_via
from sip_proxy.sip.message import Request, Response, response_to
from sip_proxy.sip.parser import SipParseError, parse_datagram
from sip_proxy.sip.redact import MAX_CHARS, redact
from sip_proxy.sip.sdp import NothingAcceptable, SessionDescription, answer_for, rewrite
from sip_proxy.sip.uri import SipUri, parse_target, parse_uri, uris_equal

SEEDS = sorted(path.read_bytes() for path in (Path(__file__).parents[3] / "data" / "sip").glob("*.sip"))
OFFER = (
    b"v=0\r\no=anna 4711 1 IN IP4 192.0.2.10\r\ns=-\r\nc=IN IP4 192.0.2.10\r\nt=0 0\r\na=ice-ufrag:x\r\n"
    b"m=audio 40000/2 RTP/AVP 18 8 111 101\r\na=rtpmap:111 opus/48000/2\r\na=rtpmap:101 telephone-event/8000\r\n"
    b"a=fmtp:101 0-15\r\na=ptime:20\r\na=rtcp:40001 IN IP4 192.0.2.10\r\n"
    b"a=candidate:1 1 UDP 1 192.0.2.10 40000 typ host\r\na=sendonly\r\nm=image 0 udptl t38\r\nc=IN IP6 2001:db8::1\r\n"
)
# Pieces that mean something to one of the parsers, so that mutations get past the first check.
PIECES = st.sampled_from(
    [
        *(bytes([octet]) for octet in b'\r\n\0"\\<>;,:@=%[]* \t\xff'),
        *(b"\r\n", b"\r\n ", b"\xc3\xa9", b"sip:", b"SIP/2.0", b"Via: ", b"l: 5", b"4294967296", b"m=", b"c=IN IP4 "),
    ]
)
# The same examples in every run: a test must not fail for somebody who changed nothing. Raise the number to hunt.
generous = settings(max_examples=300, derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def mutated(draw: st.DrawFn, seeds: list[bytes]) -> bytes:
    data = bytearray(draw(st.sampled_from(seeds)))
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(data)))
        end = draw(st.integers(at, min(len(data), at + 12)))
        data[at:end] = draw(st.one_of(PIECES, st.binary(max_size=6)))
    return bytes(data)


def check_message(data: bytes) -> None:
    try:
        message = parse_datagram(data)
    except SipParseError as error:
        assert error.status is None or 400 <= error.status <= 699
        assert (error.status is None) == (error.partial is None)
        if error.partial is not None and error.status is not None:
            response_to(error.partial, error.status, error.reason, to_tag="t").encode()
        return
    # A missing space in a status line is completed; all else stays.
    line, _, rest = data.lstrip(b"\r\n").partition(b"\r\n")
    assert (line + b"\r\n" + rest).startswith(message.encode()) or message.encode().startswith(line + b" \r\n")
    promised(message)
    with contextlib.suppress(SipParseError):
        _ = message.vias(), message.contacts, message.routes, message.record_routes


def promised(message: Request | Response) -> None:
    """What must not raise once a message was accepted, and must be fit for JSON."""
    _ = message.top_via(), message.max_forwards, message.expires, message.content_length, message.cseq.number
    for address in (message.from_().target, message.to().target):
        str(address).encode()
        if isinstance(address, SipUri):
            assert len(address.aor()) <= 512
            address.aor().encode("ascii")
    message.call_id.encode()
    for name in ("Via", "Route", "Contact"):
        copy = message.copy()
        while copy.headers.remove_first(name) is not None:
            pass
        assert copy.headers.get_all(name) == []
    if isinstance(message, Request):
        assert message.uri == str(parse_target(message.uri)) or message.uri[:4].lower() in ("sip:", "sips")
        _ = message.contacts, message.routes, message.record_routes
        again = parse_datagram(response_to(message, 200, to_tag="t").encode())
        assert again.headers.get_all("Via") == message.headers.get_all("Via")


@generous
@given(st.binary(max_size=400))
def test_random_octets_are_no_message(data: bytes) -> None:
    check_message(data)


@generous
@given(mutated(SEEDS))
def test_a_mutated_message_is_kept_or_refused(data: bytes) -> None:
    check_message(data)


@generous
@given(st.text(max_size=80), st.text(max_size=20))
def test_any_text_is_a_value_or_refused(text: str, more: str) -> None:
    parsers: list[Callable[[str], object]] = [parse_uri, parse_name_addr, parse_via, parse_authorization]
    for parse in parsers:
        for candidate in (text, f"sip:{text}@h", f'"{text}" <sip:a@h;{more}>;{text}', f"Digest {text}, {more}={text}"):
            with contextlib.suppress(SipParseError):
                parse(candidate)


@generous
@given(
    st.from_regex(
        r"sips?:([a-z%0-9;é]{1,6}@)?[a-zA-Z0-9.]{1,6}(:[0-9]{1,4})?(;[a-z%0-9]{1,3}(=[a-z]{0,2})?){0,3}", fullmatch=True
    )
)
def test_a_uri_survives_writing_and_equals_itself(text: str) -> None:
    uri = parse_uri(text)

    assert parse_uri(str(uri)) == uri
    assert uris_equal(uri, uri)
    assert parse_uri(f"sip:{uri.aor()}").aor() == uri.aor()


@generous
@given(st.text(max_size=60), st.text(max_size=60))
def test_credentials_of_any_kind_only_fail(value: str, nonce: str) -> None:
    assert check_nonce(b"secret", nonce, 0.0, "realm") == "bad"
    text = f'Digest username="{value}", realm="r", nonce="{nonce}", uri="{value}", response="{nonce}", nc={value}'
    with contextlib.suppress(SipParseError):
        credentials = parse_authorization(text)
        assert credentials is None or not verify(credentials, "REGISTER", "0" * 32)


@generous
@given(st.one_of(st.binary(max_size=300), mutated([OFFER])))
def test_any_session_description_is_kept_or_refused(body: bytes) -> None:
    try:
        description = SessionDescription.parse(body)
    except SdpError:
        return
    untouched = SessionDescription.parse(rewrite(description, "198.51.100.1", {})).lines
    assert [line for line in untouched if line[:2] != "o="] == [line for line in description.lines if line[:2] != "o="]
    ports = {media.index: 20_000 for media in description.media}
    changed = SessionDescription.parse(rewrite(description, "198.51.100.1", ports))
    assert [media.format_list for media in changed.media] == [media.format_list for media in description.media]
    assert all(media.port in (0, 20_000) for media in changed.media)
    assert not any(media.candidates for media in changed.media if media.active)
    with contextlib.suppress(NothingAcceptable):
        answer = answer_for(
            description, address="198.51.100.1", port=20_000, encodings=["PCMA", "OPUS", "G729"], session_id=1
        )
        assert len(SessionDescription.parse(answer.body).media) == len(description.media)


@generous
@given(st.one_of(st.binary(max_size=300), mutated(SEEDS)))
def test_what_people_see_is_bounded_text(data: bytes) -> None:
    shown = redact(data)

    assert len(shown) <= MAX_CHARS
    shown.encode()
