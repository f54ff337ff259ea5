"""The ordered list of header fields: nothing is lost, nothing is reordered, nothing is forged."""

import pytest

from sip_proxy.sip.message import Headers


def some_headers() -> Headers:
    return Headers(
        [
            ("v", "SIP/2.0/UDP one;branch=1, SIP/2.0/UDP two;branch=2"),
            ("Route", "<sip:r1;lr>"),
            ("VIA", "SIP/2.0/UDP three;branch=3"),
            ("Date", "Sat, 02 Jan 2027 10:00:00 GMT"),
            ("route", "<sip:r2;lr>,<sip:r3;lr>"),
            ("X-Odd", ";;,,;;"),
        ]
    )


def test_names_match_in_any_case_and_in_compact_form() -> None:
    headers = Headers([("f", "<sip:a@b>"), ("CONTACT", "<sip:c@d>")])

    assert headers.get("From") == headers.get("F") == "<sip:a@b>"
    assert headers.get("m") == "<sip:c@d>"
    assert "from" in headers
    assert "to" not in headers
    assert 5 not in headers
    assert headers.get("To") is None


def test_lists_are_split_where_the_header_is_a_list_and_nowhere_else() -> None:
    headers = some_headers()
    headers.add("WWW-Authenticate", 'Digest realm="a, b", nonce="c"')
    headers.add("Authorization", 'Digest username="a", realm="b"')

    assert headers.get_all("route") == ["<sip:r1;lr>", "<sip:r2;lr>", "<sip:r3;lr>"]
    assert headers.get_all("Date") == ["Sat, 02 Jan 2027 10:00:00 GMT"]
    assert headers.get_all("X-Odd") == [";;,,;;"]
    assert headers.get_all("WWW-Authenticate") == ['Digest realm="a, b", nonce="c"']
    assert headers.get_all("Authorization") == ['Digest username="a", realm="b"']
    assert headers.get_all("Expires") == []


def test_iterating_gives_names_as_written_in_order() -> None:
    assert [name for name, _ in some_headers()] == ["v", "Route", "VIA", "Date", "route", "X-Odd"]
    assert len(some_headers()) == 6


def test_set_replaces_in_place_and_drops_the_others() -> None:
    headers = some_headers()

    headers.set("Route", "<sip:new;lr>")
    headers.set("Max-Forwards", "70")

    assert [raw.partition(":")[0] for raw in headers.raw_fields()] == [
        "v",
        "Route",
        "VIA",
        "Date",
        "X-Odd",
        "Max-Forwards",
    ]
    assert headers.get_all("Route") == ["<sip:new;lr>"]


def test_prepend_puts_a_value_before_all_of_its_name() -> None:
    headers = some_headers()

    headers.prepend("Via", "SIP/2.0/UDP zero;branch=0")
    headers.prepend("Record-Route", "<sip:me;lr>")

    assert headers.get_all("via")[0] == "SIP/2.0/UDP zero;branch=0"
    assert headers.raw_fields()[:2] == ["Record-Route: <sip:me;lr>", "Via: SIP/2.0/UDP zero;branch=0"]


def test_remove_first_takes_one_element_of_a_list() -> None:
    headers = some_headers()

    taken = [headers.remove_first("Via") for _ in range(4)]

    assert taken == ["SIP/2.0/UDP one;branch=1", "SIP/2.0/UDP two;branch=2", "SIP/2.0/UDP three;branch=3", None]
    assert "Via" not in headers


def test_remove_first_leaves_a_value_with_commas_whole() -> None:
    headers = some_headers()

    assert headers.remove_first("Date") == "Sat, 02 Jan 2027 10:00:00 GMT"
    assert "Date" not in headers


def test_replace_first_leaves_the_rest_of_the_list() -> None:
    headers = some_headers()

    headers.replace_first("Via", "SIP/2.0/UDP one;branch=1;received=192.0.2.1")

    assert headers.raw_fields()[0] == "v: SIP/2.0/UDP one;branch=1;received=192.0.2.1, SIP/2.0/UDP two;branch=2"
    with pytest.raises(KeyError):
        headers.replace_first("Contact", "x")


def test_an_empty_list_field_has_no_first_value() -> None:
    headers = Headers([("Route", " , "), ("Route", "<sip:r1;lr>")])

    assert headers.remove_first("Route") == "<sip:r1;lr>"
    assert headers.remove_first("Route") is None
    assert headers.raw_fields() == ["Route: ,"]


def test_remove_takes_every_field_of_the_name() -> None:
    headers = some_headers()

    headers.remove("Route")

    assert headers.get_all("Route") == []
    assert len(headers) == 4


@pytest.mark.parametrize("value", ["a\r\nRoute: <sip:evil;lr>", "a\nb", "a\rb"])
def test_a_line_end_in_a_value_is_refused(value: str) -> None:
    headers = some_headers()

    for change in (headers.set, headers.add, headers.prepend, headers.replace_first):
        with pytest.raises(ValueError, match="one line"):
            change("Route", value)
    with pytest.raises(ValueError, match="one line"):
        headers.add("X\r\nRoute", "x")
    assert headers.raw_fields() == some_headers().raw_fields()


def test_a_copy_does_not_change_its_original() -> None:
    original = some_headers()
    copy = original.copy()

    copy.remove("Via")
    copy.add("Subject", "x")

    assert original.raw_fields() == some_headers().raw_fields()
    assert original.get_all("Via") == some_headers().get_all("Via")


def test_fields_are_taken_over_as_they_stand() -> None:
    headers = Headers([("Subject", "x")])

    headers.extend_from(some_headers(), "Via")
    headers.extend_from(some_headers(), "Route")

    assert headers.raw_fields() == [
        "Subject: x",
        "v: SIP/2.0/UDP one;branch=1, SIP/2.0/UDP two;branch=2",
        "VIA: SIP/2.0/UDP three;branch=3",
        "Route: <sip:r1;lr>",
        "route: <sip:r2;lr>,<sip:r3;lr>",
    ]


def test_an_excerpt_has_the_fields_in_the_order_of_the_names_and_single_ones_once() -> None:
    whole = Headers(
        [("t", "<sip:a>"), ("Subject", "x"), ("To", "<sip:b>"), ("Route", "<sip:r1>"), ("Route", "<sip:r2>")]
    )

    excerpt = Headers.excerpt(whole, ("route", "to", "from"))

    assert excerpt.raw_fields() == ["Route: <sip:r1>", "Route: <sip:r2>", "t: <sip:a>"]


def test_what_changes_in_a_copy_is_found_there_and_not_in_the_original() -> None:
    original = some_headers()
    assert original.get("Subject") is None

    copy = original.copy()
    copy.add("Subject", "x")
    copy.remove_first("Route")

    assert copy.get("Subject") == "x" and copy.get_all("Route") == ["<sip:r2;lr>", "<sip:r3;lr>"]
    assert "Subject" not in original and original.get_all("Route") == ["<sip:r1;lr>", "<sip:r2;lr>", "<sip:r3;lr>"]
