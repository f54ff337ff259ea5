"""Digest authentication: the examples of the RFCs, the quirks of the field, and nonces that prove themselves."""

from dataclasses import replace

import pytest

from shared.digest import Algorithm, ha1
from sip_proxy.sip.digest import (
    DigestCredentials,
    challenge,
    check_nonce,
    make_nonce,
    parse_authorization,
    verify,
)
from sip_proxy.sip.errors import SipParseError

# RFC 2617 3.5
RFC_2617 = DigestCredentials(
    username="Mufasa",
    realm="testrealm@host.com",
    nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093",
    uri="/dir/index.html",
    response="6629fae49393a05397450978507c4ef1",
    qop="auth",
    nc="00000001",
    cnonce="0a4f113b",
)
MUFASA = ha1("Mufasa", "testrealm@host.com", "Circle Of Life")


def credentials(text: str) -> DigestCredentials:
    parsed = parse_authorization(text)
    assert parsed is not None
    return parsed


def test_the_example_of_rfc_2617_is_verified() -> None:
    assert verify(RFC_2617, "GET", MUFASA)


def test_a_response_without_qop_is_verified_the_old_way() -> None:
    # RFC 2069 2.4 with its erratum 749
    old = replace(RFC_2617, qop=None, nc=None, cnonce=None, response="1949323746fe6a43ef61f9606e7febea")

    assert verify(old, "GET", ha1("Mufasa", "testrealm@host.com", "CircleOfLife"))


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_the_examples_of_rfc_7616_are_verified(algorithm: Algorithm, response: str) -> None:
    given = DigestCredentials(
        username="Mufasa",
        realm="http-auth@example.org",
        nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
        uri="/dir/index.html",
        response=response,
        algorithm=algorithm,
        qop="auth",
        nc="00000001",
        cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
    )

    assert verify(given, "GET", ha1("Mufasa", "http-auth@example.org", "Circle of Life", algorithm))


@pytest.mark.parametrize(
    "wrong",
    [
        replace(RFC_2617, response="6629fae49393a05397450978507c4ef2"),
        replace(RFC_2617, response=""),
        replace(RFC_2617, response="é" * 32),
        replace(RFC_2617, response="\udcff"),
        replace(RFC_2617, nonce="other"),
        replace(RFC_2617, uri="/other"),
        replace(RFC_2617, nc="00000002"),
        replace(RFC_2617, nc="1"),
        replace(RFC_2617, nc=None, cnonce=None),
        replace(RFC_2617, qop="auth-int"),
        replace(RFC_2617, algorithm="SHA-256"),
        replace(RFC_2617, algorithm="MD5-SESS"),
    ],
)
def test_anything_changed_makes_it_fail(wrong: DigestCredentials) -> None:
    assert not verify(wrong, "GET", MUFASA)


def test_another_method_or_password_makes_it_fail() -> None:
    assert not verify(RFC_2617, "POST", MUFASA)
    assert not verify(RFC_2617, "GET", ha1("Mufasa", "testrealm@host.com", "circle of life"))


def test_an_upper_case_response_is_the_same() -> None:
    text = (
        'Digest username="Mufasa", realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", '
        'uri="/dir/index.html", qop=auth, nc=00000001, cnonce="0a4f113b", response="6629FAE49393A05397450978507C4EF1"'
    )

    assert verify(credentials(text), "GET", MUFASA)


def test_credentials_are_read_with_all_quirks_of_the_field() -> None:
    quirky = credentials(
        'dIGEST  USERNAME = "anna" ,realm=monitor.example,, nonce="a,b=", uri=sip:monitor.example;transport=udp, '
        'response="AbC" , algorithm="md5",qop="AUTH" , nc="0000000a",cnonce="",opaque="", auth-param=x ,'
    )

    assert quirky == DigestCredentials(
        username="anna",
        realm="monitor.example",
        nonce="a,b=",
        uri="sip:monitor.example;transport=udp",
        response="abc",
        algorithm="MD5",
        qop="auth",
        nc="0000000a",
        cnonce=None,
        opaque="",
    )
    assert quirky.nonce_count == 10


def test_names_are_unescaped_and_what_is_hashed_is_not() -> None:
    given = credentials(r'Digest username="an\"na", realm="r\\1", nonce="n\"", uri="sip:\"x", response="0", nc=zz')

    assert (given.username, given.realm, given.nonce, given.uri) == ('an"na', r"r\1", r"n\"", r"sip:\"x")
    assert given.nonce_count == 0


def test_another_scheme_counts_as_no_credentials() -> None:
    assert parse_authorization("NoOneKnowsThisScheme opaque-data=here") is None
    assert parse_authorization("Basic YW5uYTpzZWNyZXQ=") is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "=",
        "Digest",
        'Digest username="anna"',
        'Digest username="anna, realm="r", nonce="n", uri="u", response="x"',
        'Digest username="a", username="b", realm="r", nonce="n", uri="u", response="x"',
        'Digest username="a" realm="r" nonce="n" uri="u" response="x"',
        'Digest username="a", realm="r", nonce="n", uri="u", response',
    ],
)
def test_credentials_that_cannot_be_read_are_refused(text: str) -> None:
    with pytest.raises(SipParseError) as caught:
        parse_authorization(text)

    assert caught.value.status == 400


def test_a_challenge_says_what_it_wants() -> None:
    assert challenge("monitor.example", "n1") == 'Digest realm="monitor.example", nonce="n1", algorithm=MD5, qop="auth"'
    assert challenge('a "b"', "n1", "SHA-256", stale=True, qop=False) == (
        r'Digest realm="a \"b\"", nonce="n1", algorithm=SHA-256, stale=true'
    )


def test_a_nonce_proves_itself_to_whoever_has_the_secret() -> None:
    nonce = make_nonce(b"secret", 1_800_000_000.25, "monitor.example")

    assert check_nonce(b"secret", nonce, 1_800_000_010.0, "monitor.example") == "ok"
    assert check_nonce(b"other", nonce, 1_800_000_010.0, "monitor.example") == "bad"
    assert check_nonce(b"secret", nonce, 1_800_000_010.0, "other.example") == "bad"


def test_a_nonce_grows_stale() -> None:
    nonce = make_nonce(b"secret", 1_800_000_000.0, "r")

    assert check_nonce(b"secret", nonce, 1_800_000_060.0, "r", lifetime_s=60) == "ok"
    assert check_nonce(b"secret", nonce, 1_800_000_060.5, "r", lifetime_s=60) == "stale"


def test_a_nonce_of_a_node_whose_clock_is_ahead_is_good() -> None:
    assert check_nonce(b"secret", make_nonce(b"secret", 1_800_000_002.0, "r"), 1_800_000_000.0, "r") == "ok"


def test_a_forged_nonce_is_bad() -> None:
    nonce = make_nonce(b"secret", 1_800_000_000.0, "r")
    later = make_nonce(b"x", 1_800_009_999.0, "r")[:14] + nonce[14:]

    for forged in ("", "x", nonce[:-1], nonce + "0", later, nonce[:-1] + "!", "é" * 26, "\udcff" * 26):
        assert check_nonce(b"secret", forged, 1_800_000_000.0, "r") == "bad"


def test_two_nonces_of_one_millisecond_differ() -> None:
    assert make_nonce(b"secret", 1_800_000_000.0001, "r") != make_nonce(b"secret", 1_800_000_000.0002, "r")
