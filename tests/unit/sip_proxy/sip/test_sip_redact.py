"""What people may see of a message."""

import time

import pytest

from sip_proxy.sip.redact import MAX_CHARS, redact


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            'Authorization: Digest username="anna", realm="r", nonce="n1", uri="sip:h", response="abc", cnonce="c"',
            'Authorization: Digest username="anna", realm="r", nonce=***, uri="sip:h", response=***, cnonce=***',
        ),
        ("Proxy-Authorization:Digest RESPONSE = abc,nonce=n1", "Proxy-Authorization:Digest RESPONSE = ***,nonce=***"),
        ('Authentication-Info: nextnonce="n", rspauth="r"', "Authentication-Info: nextnonce=***, rspauth=***"),
        ("Authorization: Basic YW5uYTpzZWNyZXQ=", "Authorization: Basic ***"),
        (
            'WWW-Authenticate: Digest realm="r",\r\n nonce=\r\n "n1",\r\n qop="auth"',
            'WWW-Authenticate: Digest realm="r",\r\n nonce=\r\n ***,\r\n qop="auth"',
        ),
        (r'nonce="a\"b", qop="auth"', 'nonce=***, qop="auth"'),
        ('response="cut off', "response=***"),
        ("From: <sip:anna:geheim@example.org>;tag=1", "From: <sip:anna:***@example.org>;tag=1"),
        ("<sip:example.org:5060>, <SIPS:a:b@c>", "<sip:example.org:5060>, <SIPS:a:***@c>"),
        (
            "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz|2^20|1:4",
            "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:***|2^20|1:4",
        ),
        ("s=-\r\nk=clear:secret\r\n", "s=-\r\nk=clear:***\r\n"),
        ("\r\na=ice-pwd:asd88fgpdd777uzjYhagZg\r\na=sendrecv", "\r\na=ice-pwd:***\r\na=sendrecv"),
        ("İİİ nonce=n, response=abc", "İİİ nonce=***, response=***"),  # in lower case these are longer
        ("a=fmtp:101 0-15", "a=fmtp:101 0-15"),
        ("Subject: no response, no call", "Subject: no response, no call"),
    ],
)
def test_secrets_are_hidden_and_nothing_else(text: str, shown: str) -> None:
    assert redact(text) == shown
    assert redact(text.encode()) == shown


def test_what_is_no_utf8_becomes_a_replacement_character() -> None:
    assert redact(b"caff\xe8 \xc3\xa8") == "caff\ufffd è"
    assert redact("caff\udce8") == "caff\ufffd"


def test_control_characters_stay() -> None:
    assert redact(b"a\x00b\x1b[31m\r\n") == "a\x00b\x1b[31m\r\n"


def test_the_text_is_bounded() -> None:
    assert len(redact(b"x" * 100_000)) == MAX_CHARS
    assert len(redact(b"nonce=a " * 8192)) == MAX_CHARS


@pytest.mark.parametrize(
    "octets", [b"sip:a:", b"sip:sips:", b'nonce="', b"nonce=\\", b"nonce ", b"\nk=", b"inline:", b"authorization: "]
)
def test_hostile_text_costs_linear_time(octets: bytes) -> None:
    text = octets * (65_535 // len(octets)) + b"@"
    began = time.process_time()

    redact(text)

    assert time.process_time() - began < 0.5
