"""What must hold for any octets, whoever makes them up: hypothesis (`test_sip_fuzz.py`) or atheris (`fuzzing.py`)."""

import contextlib
from pathlib import Path

from sip_proxy.calls.dialog_ends import DialogEnd
from sip_proxy.calls.session_expiry import expires_at
from sip_proxy.media.bodies import anchor_body, description_of
from sip_proxy.sip.digest import check_nonce, parse_authorization, verify
from sip_proxy.sip.errors import SdpError, SipParseError
from sip_proxy.sip.message import Request, Response, response_to
from sip_proxy.sip.multipart import find_part
from sip_proxy.sip.parser import parse_datagram
from sip_proxy.sip.redact import MAX_CHARS, redact
from sip_proxy.sip.sdp import NothingAcceptable, SessionDescription, answer_for, rewrite
from sip_proxy.sip.uri import SipUri, parse_target
from tests.unit.sip_proxy.builders import AT, SITE
from tests.unit.sip_proxy.media.test_anchoring import anchor

SEEDS = sorted(path.read_bytes() for path in (Path(__file__).parents[3] / "data" / "sip").glob("*.sip"))
OFFER = (
    b"v=0\r\no=anna 4711 1 IN IP4 192.0.2.10\r\ns=-\r\nc=IN IP4 192.0.2.10\r\nt=0 0\r\na=ice-ufrag:x\r\n"
    b"m=audio 40000/2 RTP/AVP 18 8 111 101\r\na=rtpmap:111 opus/48000/2\r\na=rtpmap:101 telephone-event/8000\r\n"
    b"a=fmtp:101 0-15\r\na=ptime:20\r\na=rtcp:40001 IN IP4 192.0.2.10\r\n"
    b"a=candidate:1 1 UDP 1 192.0.2.10 40000 typ host\r\na=sendonly\r\nm=image 0 udptl t38\r\nc=IN IP6 2001:db8::1\r\n"
)
PARTS = b"--part\r\nContent-Type: application/sdp\r\nContent-Length: 5\r\n\r\n" + OFFER + b"\r\n--part--\r\n"
CREDENTIALS = (
    b'Digest username="u", realm="r", nonce="n", uri="sip:r", response="0", algorithm=MD5, qop=auth, nc=00000001, '
    b'cnonce="c", opaque=""'
)


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
    with contextlib.suppress(SdpError):
        description_of(message)
        anchor_body(message.copy(), anchor(), "caller", "192.0.2.9")
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
    if isinstance(message, Response):
        DialogEnd.of_callee(message, SITE).model_dump_json()
        _ = expires_at(message, AT)
    if isinstance(message, Request):
        DialogEnd.of_caller(message).heard(message).model_dump_json()
        assert message.uri == str(parse_target(message.uri)) or message.uri[:4].lower() in ("sip:", "sips")
        _ = message.contacts, message.routes, message.record_routes
        again = parse_datagram(response_to(message, 200, to_tag="t").encode())
        assert again.headers.get_all("Via") == message.headers.get_all("Via")


def check_description(body: bytes) -> None:
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


def check_parts(body: bytes) -> None:
    part = find_part(body, "multipart/mixed; boundary=part", "application/sdp")
    if part is None:
        return
    assert part.before + part.header + part.content + part.after == body
    changed = part.replaced_by(b"v=0\r\n")
    assert changed.startswith(part.before)
    assert changed.endswith(b"v=0\r\n" + part.after)


def check_credentials(value: bytes) -> None:
    text = value.decode("utf-8", "surrogateescape")
    assert check_nonce(b"secret", text, 0.0, "realm") == "bad"
    with contextlib.suppress(SipParseError):
        credentials = parse_authorization(text)
        assert credentials is None or not verify(credentials, "REGISTER", "0" * 32)


def check_shown(data: bytes) -> None:
    shown = redact(data)
    assert len(shown) <= MAX_CHARS
    shown.encode()
