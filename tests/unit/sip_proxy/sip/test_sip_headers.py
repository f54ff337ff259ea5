"""Addresses, Via, CSeq and numbers, as they stand in header fields."""

import pytest

from sip_proxy.sip.errors import SipParseError, UnsupportedScheme
from sip_proxy.sip.grammar import split_list
from sip_proxy.sip.headers import (
    CSeq,
    NameAddr,
    parse_contacts,
    parse_cseq,
    parse_delta_seconds,
    parse_name_addr,
    parse_via,
)
from sip_proxy.sip.uri import parse_uri


def test_a_quoted_display_name_is_unescaped() -> None:
    address = parse_name_addr(r'"Anna \"<home>\", \\o/" <sip:anna@example.org;lr>;tag=a1;x="y;z"')

    assert address.display == r'Anna "<home>", \o/'
    assert address.uri == parse_uri("sip:anna@example.org;lr")
    assert (address.tag, address.param("X")) == ("a1", "y;z")


def test_a_bare_uri_leaves_its_parameters_to_the_header() -> None:
    address = parse_name_addr("sip:+390583@gw.example.net;user=phone ; tag = a1")

    assert address.uri == parse_uri("sip:+390583@gw.example.net")
    assert address.params == (("user", "phone"), ("tag", "a1"))


@pytest.mark.parametrize("display", ["anna", "Anna Rossi", "André (casa)", "A. Bell", "to`ken1~ 3*%!.-"])
def test_an_unquoted_display_name_is_read_generously(display: str) -> None:
    assert parse_name_addr(f"{display}<sip:anna@example.org>").display == display
    assert parse_name_addr(f"{display} <sip:anna@example.org>").display == display


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "<>",
        "anna",
        '"Anna <sip:anna@example.org>',
        '"Anna\\" <sip:anna@example.org>',
        '"Anna" sip:anna@example.org',
        "Rossi, Anna <sip:anna@example.org>",
        "<sip:anna@example.org",
        "< sip:anna@example.org >",
        "<sip:anna@example.org>;",
        "<sip:anna@example.org>;;tag=1",
        "<sip:anna@example.org>;tag=a b",
        '<sip:anna@example.org>;tag="open',
        "<sip:anna@example.org> junk",
        "<sip:anna@example.org>;tag=\udcff",
        "sip:anna@example.org?Route=%3Csip:evil.example%3E",
        "sip:anna@example.org, sip:bruno@example.org",
        "sip:anna@exa mple.org",
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(SipParseError) as caught:
        parse_name_addr(text)

    assert caught.value.status == 400


def test_an_address_of_another_scheme_is_kept_but_cannot_be_routed() -> None:
    address = parse_name_addr("<tel:+390583123456>;tag=a1")

    assert (str(address.target), address.tag) == ("tel:+390583123456", "a1")
    with pytest.raises(UnsupportedScheme):
        _ = address.uri


def test_an_address_is_written_with_brackets_and_quotes() -> None:
    address = NameAddr('Anna "home"', parse_uri("sip:anna@example.org"), (("tag", "a1"), ("ob", None)))

    assert str(address) == r'"Anna \"home\"" <sip:anna@example.org>;tag=a1;ob'
    assert parse_name_addr(str(address)) == address


def test_contacts_are_a_list_or_the_star() -> None:
    two = parse_contacts(["<sip:a@192.0.2.1>", "sip:b@192.0.2.2;expires=60"])

    assert [contact.param("expires") for contact in two if contact != "*" and not isinstance(contact, str)] == [
        None,
        "60",
    ]
    assert parse_contacts([]) == ()
    assert parse_contacts(["*"]) == "*"
    with pytest.raises(SipParseError):
        parse_contacts(["*", "<sip:a@192.0.2.1>"])


def test_a_via_is_read_with_spaces_and_folds_gone() -> None:
    via = parse_via("SIP  / 2.0  / udp    Gw.Example.net : 5070 ; branch = z9hG4bK1 ;rport; received=192.0.2.1")

    assert (via.transport, via.host, via.port) == ("UDP", "Gw.Example.net", 5070)
    assert (via.branch, via.received, via.rport, via.sent_by) == ("z9hG4bK1", "192.0.2.1", None, "gw.example.net:5070")
    assert via.has_param("rport")
    assert str(via) == "SIP/2.0/UDP Gw.Example.net:5070;branch=z9hG4bK1;rport;received=192.0.2.1"


@pytest.mark.parametrize("received", ["2001:db8::9:255", "[2001:db8::9:255]"])
def test_received_is_read_with_and_without_brackets(received: str) -> None:
    via = parse_via(f"SIP/2.0/UDP [2001:db8::9:1];received={received};branch=z9hG4bKas3")

    assert (via.host, via.received, via.sent_by) == ("[2001:db8::9:1]", "2001:db8::9:255", "[2001:db8::9:1]")


def test_a_parameter_is_filled_in_where_it_stands() -> None:
    via = parse_via("SIP/2.0/UDP 10.0.0.1;RPORT;branch=z9hG4bK1")

    stamped = via.with_params({"received": "192.0.2.1", "rport": "5062"})

    assert str(stamped) == "SIP/2.0/UDP 10.0.0.1;RPORT=5062;branch=z9hG4bK1;received=192.0.2.1"
    assert stamped.rport == 5062


@pytest.mark.parametrize(
    "text",
    [
        "",
        "SIP/2.0/UDP",
        "SIP/2.0 UDP host",
        "SIP/2.0/UDP host:",
        "SIP/2.0/UDP host:70000",
        "SIP/2.0/UDP host;;",
        "SIP/2.0/UDP host;branch=a b",
        "SIP/2.0/UDP host host",
        "SIP/2.0/UDP 2001:db8::1",
        "SIP/2.0/UDP [2001:db8:::1]",
        "HTTP/2.0/UDP host",
    ],
)
def test_what_is_no_via_is_refused(text: str) -> None:
    with pytest.raises(SipParseError):
        parse_via(text)


def test_a_cseq_may_have_leading_zeros_and_any_method() -> None:
    assert parse_cseq("0000000000000009 \t INVITE") == CSeq(9, "INVITE")
    assert parse_cseq("4294967295 RE%47ISTER") == CSeq(4294967295, "RE%47ISTER")
    assert str(CSeq(9, "ACK")) == "9 ACK"


@pytest.mark.parametrize("text", ["", "1", "INVITE", "-1 INVITE", "4294967296 INVITE", "1 IN VITE", "\u0661 INVITE"])
def test_what_is_no_cseq_is_refused(text: str) -> None:
    with pytest.raises(SipParseError):
        parse_cseq(text)


def test_a_number_of_any_length_is_refused_at_once() -> None:
    with pytest.raises(SipParseError):
        parse_cseq("9" * 8000 + " INVITE")
    assert parse_delta_seconds("9" * 8000) is None


def test_delta_seconds_that_make_no_sense_are_none() -> None:
    assert [parse_delta_seconds(text) for text in ("3600", "0", "4294967295", "4294967296", "-1", "1e3", "²", "")] == [
        3600,
        0,
        4294967295,
        None,
        None,
        None,
        None,
        None,
    ]


@pytest.mark.parametrize(
    ("value", "elements"),
    [
        ("", []),
        (" , ,", []),
        ("a", ["a"]),
        ("a , b,c", ["a", "b", "c"]),
        ('"x,y" <sip:a,b@h>, z', ['"x,y" <sip:a,b@h>', "z"]),
        (r'"x\",y" <sip:a>, "z', [r'"x\",y" <sip:a>', '"z']),
        ("<sip:a, b", ["<sip:a, b"]),
        ('"a\\', ['"a\\']),
    ],
)
def test_a_list_is_split_at_the_commas_that_separate(value: str, elements: list[str]) -> None:
    assert split_list(value) == elements
