"""Bodies of several parts: the session description is found and replaced, all else stays."""

import pytest

from sip_proxy.sip.multipart import find_part

SDP = "application/sdp"
BODY = (
    b"to be ignored\r\n"
    b"--uniq\r\nContent-Type: application/isup;version=itu\r\n\r\n\x01\x00\xff\r\n"
    b"--uniq \r\nContent-Type: application/sdp\r\nl: 5\r\nX-Kept:  as it is\r\n\r\nv=0\r\n\r\n"
    b"--uniq\r\n\r\nplain\r\n--uniq--\r\nafter all"
)
TYPE = 'multipart/mixed; boundary="uniq"'


def test_the_description_is_found_between_other_parts() -> None:
    part = find_part(BODY, TYPE, SDP)

    assert part is not None
    assert part.content == b"v=0\r\n"


def test_it_is_replaced_and_every_other_octet_stays() -> None:
    part = find_part(BODY, TYPE, SDP)

    assert part is not None
    assert part.replaced_by(part.content) == BODY
    assert part.replaced_by(b"v=0\r\ns=longer\r\n") == BODY.replace(b"l: 5", b"l: 15").replace(
        b"v=0\r\n", b"v=0\r\ns=longer\r\n"
    )


@pytest.mark.parametrize("boundary", ['"a b:c"', "simple", "=_strange?", '"uniq"; type="application/sdp"'])
def test_a_boundary_may_be_a_token_or_quoted(boundary: str) -> None:
    written = boundary.partition(";")[0].strip('"')
    body = f"--{written}\r\nContent-Type: APPLICATION/SDP; a=b\r\n\r\nv=0\r\n--{written}--".encode()

    part = find_part(body, f"multipart/related;Boundary = {boundary}", SDP)

    assert part is not None
    assert part.content == b"v=0"


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (BODY, "multipart/mixed"),
        (BODY, 'multipart/mixed; boundary=""'),
        (BODY, "multipart/mixed; boundary=" + "x" * 71),
        (BODY, "multipart/mixed; boundary=other"),
        (BODY.partition(b"\r\n--uniq\r\n\r\nplain")[0], TYPE),  # cut off
        (BODY.replace(b"application/sdp", b"text/plain"), TYPE),
        (BODY.replace(b"l: 5", b"Content-Transfer-Encoding: base64"), TYPE),
        (BODY.replace(b"l: 5", b"Content-Encoding: gzip"), TYPE),
        (BODY.replace(b"l: 5", b"Content-Disposition: early-session"), TYPE),
        (BODY.replace(b"\r\n", b"\n"), TYPE),
        (b"", TYPE),
        (b"--uniq", TYPE),
        (b"--uniq--" + BODY, TYPE),
        (b"--uniq\r\n\r\nempty\r\n" * 20 + BODY, TYPE),
    ],
)
def test_what_cannot_be_read_for_certain_is_left_alone(body: bytes, content_type: str) -> None:
    assert find_part(body, content_type, SDP) is None
