"""SIP URIs: what is read, what is refused, which are the same, and whose address of record they are."""

from dataclasses import replace

import pytest

from sip_proxy.sip.uri import (
    OpaqueUri,
    SipUri,
    SipUriError,
    UnsupportedScheme,
    parse_target,
    parse_uri,
    uris_equal,
)


def test_every_part_of_a_uri_is_found() -> None:
    uri = parse_uri("sip:anna:secret@gw.example.net:5070;transport=tcp;lr?subject=hi&x=y")

    assert uri == SipUri(
        "sip", "anna", "secret", "gw.example.net", 5070, (("transport", "tcp"), ("lr", None)), "subject=hi&x=y"
    )


@pytest.mark.parametrize(
    "text",
    [
        "sip:example.org",
        "sips:anna@example.org",
        "sip:anna:@example.org",
        "sip:anna@[2001:db8::10]:5070;lr",
        "sip:user;par=u%40example.net@example.com",
        "sip:1_unusual~(x)&it+s$/q?,/;;*:&p=1,w@example.com",
        "sip:#31#0583123@gw_1.example.net",
        "sip:andré@example.org",
        "sip:anna@example.org;a=b?h=v",
    ],
)
def test_a_uri_is_written_as_it_was_read(text: str) -> None:
    assert str(parse_uri(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sip",
        "sip:",
        "sip:@example.org",
        "sip:anna@",
        "sip:anna@example.org:",
        "sip:anna@example.org:65536",
        "sip:anna@example.org:" + "0" * 5000 + "9" * 5000,
        "sip:anna@example.org:5O60",
        "sip:anna@exa mple.org",
        "sip:an\tna@example.org",
        "sip:anna@example.org;",
        "sip:anna@example.org;;lr",
        "sip:anna@example.org;=x",
        "sip:a@b@example.org",
        "<sip:anna@example.org>",
        "sip:2001:db8::10",
        "sip:anna@[2001:db8::10",
        "sip:anna@[2001:db8:::192.0.2.1]",
        "sip:anna@[fe80::1%25eth0]",
        "sip:ann\udce0@example.org",
        "sip:anna@example.org\x00",
        "anna@example.org",
        "1tel:5",
        "sip:" + "a" * 511 + "@h",
        "sip:" + "é" * 90 + "@h",
        "sip:a@b;p=" + "x" * 1024,
    ],
)
def test_what_is_no_uri_is_refused(text: str) -> None:
    with pytest.raises(SipUriError) as caught:
        parse_uri(text)

    assert caught.value.status == 400


def test_another_scheme_is_told_apart_from_a_broken_uri() -> None:
    with pytest.raises(UnsupportedScheme) as caught:
        parse_uri("TEL:+390583123456")

    assert (caught.value.status, caught.value.scheme) == (416, "tel")


def test_a_target_of_another_scheme_is_carried_as_it_is() -> None:
    assert parse_target("http://example.com/?a=b") == OpaqueUri("http", "http://example.com/?a=b")
    assert str(parse_target("urn:isbn:29")) == "urn:isbn:29"
    assert parse_target("sip:anna@example.org") == parse_uri("sip:anna@example.org")


def test_parameters_are_found_whatever_their_case_and_escapes() -> None:
    uri = parse_uri("sip:anna@example.org;%6C%72;Transport=TCP;empty=")

    assert uri.has_param("lr")
    assert uri.has_param("transport")
    assert not uri.has_param("maddr")
    assert (uri.param("TRANSPORT"), uri.param("empty"), uri.param("lr"), uri.param("maddr")) == ("TCP", "", None, None)


def test_the_first_of_two_equal_parameters_counts() -> None:
    assert parse_uri("sip:h;ttl=1;TTL=2").param("ttl") == "1"


def test_the_address_of_a_host_has_no_brackets() -> None:
    assert parse_uri("sip:[2001:db8::10]:5070").address == "2001:db8::10"
    assert parse_uri("sip:192.0.2.1").address == "192.0.2.1"


@pytest.mark.parametrize(
    ("text", "aor"),
    [
        ("sip:Anna@EXAMPLE.org:5070;transport=tcp", "Anna@example.org"),
        ("sips:%61nna:secret@example.org", "anna@example.org"),
        ("sip:%2B390583@example.org", "+390583@example.org"),
        ("sip:null-%00-null@example.org", "null-%00-null@example.org"),
        ("sip:bruno%40example.net@example.org", "bruno%40example.net@example.org"),
        ("sip:value%2541@example.org", "value%2541@example.org"),
        ("sip:%0d%0aX@example.org", "%0D%0AX@example.org"),
        ("sip:andré@example.org", "andr%C3%A9@example.org"),
        ("sip:andr%c3%a9@example.org", "andr%C3%A9@example.org"),
        ("sip:*98#@example.org", "*98#@example.org"),
        ("sip:Example.org", "example.org"),
    ],
)
def test_an_address_of_record_is_canonical(text: str, aor: str) -> None:
    assert parse_uri(text).aor() == aor


# The sets of RFC 3261 19.1.4, and the traps around them.
@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("sip:%61lice@atlanta.example;transport=TCP", "SIP:alice@AtlanTa.example;Transport=tcp"),
        ("sip:carol@chicago.example", "sip:carol@chicago.example;newparam=5"),
        ("sip:carol@chicago.example;security=on", "sip:carol@chicago.example;newparam=5"),
        (
            "sip:biloxi.example;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.example",
            "sip:biloxi.example;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.example",
        ),
        (
            "sip:alice@atlanta.example?subject=project%20x&priority=urgent",
            "sip:alice@atlanta.example?priority=urgent&Subject=project%20x",
        ),
        ("sip:a%3bb@example.org", "sip:a%3Bb@example.org"),
    ],
)
def test_equal_uris_are_equal_both_ways(a: str, b: str) -> None:
    assert uris_equal(parse_uri(a), parse_uri(b))
    assert uris_equal(parse_uri(b), parse_uri(a))


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("sip:ALICE@atlanta.example", "sip:alice@atlanta.example"),
        ("sip:bob@biloxi.example", "sip:bob@biloxi.example:5060"),
        ("sip:bob@biloxi.example", "sip:bob@biloxi.example;transport=udp"),
        ("sip:bob@biloxi.example", "sip:bob@biloxi.example:6000;transport=tcp"),
        ("sip:bob@biloxi.example", "sips:bob@biloxi.example"),
        ("sip:bob@biloxi.example", "sip:bob:secret@biloxi.example"),
        ("sip:bob@biloxi.example;user=phone", "sip:bob@biloxi.example"),
        ("sip:bob@biloxi.example;maddr=192.0.2.1", "sip:bob@biloxi.example"),
        ("sip:carol@chicago.example", "sip:carol@chicago.example?Subject=next%20meeting"),
        ("sip:bob@phone21.example", "sip:bob@192.0.2.4"),
        ("sip:bob@biloxi.example;a=1", "sip:bob@biloxi.example;a=2"),
        ("sip:a%3Bb@example.org", "sip:a;b@example.org"),
        ("sip:value%2541@example.org", "sip:valueA@example.org"),
        ("sip:%253B@example.org", "sip:%3B@example.org"),
        ("sip:%00@host.example", "sip:%00%00@host.example"),
    ],
)
def test_different_uris_are_different_both_ways(a: str, b: str) -> None:
    assert not uris_equal(parse_uri(a), parse_uri(b))
    assert not uris_equal(parse_uri(b), parse_uri(a))


def test_a_changed_copy_is_written_anew() -> None:
    uri = replace(parse_uri("sip:anna@192.0.2.1:5060;ob"), host="198.51.100.1", port=None)

    assert str(uri) == "sip:anna@198.51.100.1;ob"
