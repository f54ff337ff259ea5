"""Messages made to break parsers: our own, each named by what is odd in it, and the RFCs' where they are at hand."""

import json
from pathlib import Path
from typing import Any

import pytest

from sip_proxy.sip.headers import NameAddr
from sip_proxy.sip.message import Request, Response
from sip_proxy.sip.parser import SipParseError, parse_datagram

ROOT = Path(__file__).parents[4]
OWN = ROOT / "tests" / "data" / "sip"
RFC_DATA = ROOT.parent / "shared" / "data"

ACCEPTED = [
    "addresses_of_other_schemes",
    "authorization_scheme_unknown",
    "body_binary_multipart",
    "branch_is_only_the_cookie",
    "contact_parameter_of_header",
    "contact_parameter_of_uri",
    "contact_with_escaped_route",
    "date_not_gmt",
    "display_utf8_unquoted",
    "display_without_space",
    "escaped_nul_in_user",
    "escaped_user_and_parameter",
    "expires_absurd",
    "folded_fields_and_compact_names",
    "ipv6_everywhere",
    "ipv6_last_group_looks_like_port",
    "ipv6_with_port",
    "max_forwards_above_255",
    "max_forwards_zero",
    "method_of_odd_tokens",
    "percent_is_no_escape_in_method",
    "request_uri_scheme_unknown",
    "request_uri_scheme_with_dot",
    "response_reason_empty",
    "response_reason_utf8",
    "response_with_broadcast_via",
    "rfc2543_invite",
    "second_message_in_datagram",
    "semicolon_in_user",
    "subject_not_utf8",
    "values_very_long_and_34_vias",
    "via_ipv4_and_ipv6",
    "via_received_in_brackets",
    "via_received_without_brackets",
    "via_transports_unknown",
]
COMPLETED = ["response_reason_missing_with_its_space"]
REFUSED = {
    "address_with_spaces_inside": 400,
    "bare_cr_hides_a_field": 400,
    "bare_lf_hides_a_field": 400,
    "bracket_not_closed": 400,
    "contact_headers_without_brackets": 400,
    "contact_star_among_others": 400,
    "content_length_beyond_datagram": 400,
    "content_length_is_a_word": 400,
    "content_length_negative": 400,
    "content_length_twice": 400,
    "cseq_above_32_bits": 400,
    "cseq_method_differs": 400,
    "cseq_method_differs_from_unknown": 400,
    "display_with_comma": 400,
    "field_name_with_space": 400,
    "field_without_colon": 400,
    "from_to_and_call_id_missing": 400,
    "ipv6_with_three_colons": 400,
    "ipv6_without_brackets": 400,
    "lf_line_ends": 400,
    "no_empty_line": 400,
    "quote_not_closed": 400,
    "request_line_ends_in_space": 400,
    "request_line_with_two_spaces": 400,
    "request_uri_in_brackets": 400,
    "request_uri_with_headers": 400,
    "request_uri_with_space": 400,
    "single_fields_twice": 400,
    "user_not_utf8": 400,
    "version_7": 505,
    "via_empty_parameters": 400,
}
DROPPED = [
    "ack_malformed",
    "http_get",
    "request_line_without_version",
    "response_cseq_above_32_bits",
    "response_status_of_ten_digits",
    "tls_client_hello",
    "via_missing",
]


def octets(name: str) -> bytes:
    return (OWN / f"{name}.sip").read_bytes()


def request(name: str) -> Request:
    message = parse_datagram(octets(name))
    assert isinstance(message, Request)
    return message


def contacts(name: str) -> list[NameAddr]:
    return [contact for contact in request(name).contacts if isinstance(contact, NameAddr)]


def response(name: str) -> Response:
    message = parse_datagram(octets(name))
    assert isinstance(message, Response)
    return message


def test_every_file_has_its_verdict() -> None:
    assert sorted([*ACCEPTED, *COMPLETED, *REFUSED, *DROPPED]) == sorted(path.stem for path in OWN.glob("*.sip"))


@pytest.mark.parametrize("name", ACCEPTED)
def test_a_valid_message_is_accepted_and_kept_byte_for_byte(name: str) -> None:
    message = parse_datagram(octets(name))

    assert octets(name).startswith(message.encode())


@pytest.mark.parametrize(("name", "status"), REFUSED.items())
def test_a_broken_request_is_refused_and_can_be_answered(name: str, status: int) -> None:
    with pytest.raises(SipParseError) as caught:
        parse_datagram(octets(name))

    assert caught.value.status == status
    assert caught.value.partial is not None
    assert caught.value.partial.headers.get("Via") is not None


@pytest.mark.parametrize("name", DROPPED)
def test_what_gets_no_answer_is_dropped(name: str) -> None:
    with pytest.raises(SipParseError) as caught:
        parse_datagram(octets(name))

    assert (caught.value.status, caught.value.partial) == (None, None)


def test_folds_are_undone_in_values_and_kept_on_the_wire() -> None:
    message = request("folded_fields_and_compact_names")

    assert [via.branch for via in message.vias()] == ["z9hG4bKone", "z9hG4bKtwo", "oldstyle"]
    assert (message.top_via().sent_by, message.vias()[1].transport) == ("192.0.2.10:5062", "TCP")
    assert (message.to().tag, message.from_().tag, message.from_().display) == ("b2", "a1", r"Anna \" A.")
    assert (message.max_forwards, message.cseq.number, message.call_id) == (42, 7, "folded@anna.example.net")
    assert message.routes[0].uri.has_param("lr")
    assert contacts("folded_fields_and_compact_names")[0].param("more") == "stuff"
    assert message.headers.get("X-Continued") == "first line second line"
    assert message.headers.get("X-Separators") == ",,;;,=,<>"
    assert message.headers.get("Subject") == ""
    assert message.body.startswith(b"v=0\r\n")


def test_odd_tokens_are_taken_literally() -> None:
    message = request("method_of_odd_tokens")

    assert message.method == message.cseq.method == "~Odd.Method-0_*+`'!%41"
    assert message.to().display == "BEL:\x07 NUL:\x00 DEL:\x7f"
    assert message.from_().param("odd~'*") == "привет"
    assert message.parsed_uri.password == "p&=+$,w"
    assert message.headers.get("x-!.%*+_`'~") == "／大停電"  # noqa: RUF001 - full-width, as in the file


def test_escapes_are_undone_once_and_only_where_they_are_escapes() -> None:
    message = request("escaped_user_and_parameter")
    percent = request("percent_is_no_escape_in_method")

    assert message.parsed_uri.aor() == "sips%3Abruno%40example.com@example.org"
    assert message.to().uri.aor() == "bruno@example.org"
    assert contacts("escaped_user_and_parameter")[0].uri.has_param("lr")
    assert (percent.method, len(percent.contacts)) == ("RE%47ISTER", 2)


def test_an_escaped_nul_cuts_nothing_off() -> None:
    message = request("escaped_nul_in_user")

    assert message.to().uri.aor() == "nul-%00-nul@example.org"
    assert [contact.uri.user for contact in contacts("escaped_nul_in_user")] == ["%00", "%00%00"]


def test_contact_parameters_belong_to_the_header_or_to_the_uri() -> None:
    outside, inside = contacts("contact_parameter_of_header")[0], contacts("contact_parameter_of_uri")[0]

    assert (outside.has_param("odd"), outside.uri.has_param("odd")) == (True, False)
    assert (inside.has_param("odd"), inside.uri.has_param("odd")) == (False, True)
    assert contacts("contact_with_escaped_route")[0].uri.headers == "Route=%3Csip:evil.example%3E"


def test_absurd_numbers_count_as_absent_where_a_default_exists() -> None:
    assert request("max_forwards_above_255").max_forwards is None
    assert request("max_forwards_zero").max_forwards == 0
    assert request("expires_absurd").expires is None


def test_octets_survive_whatever_they_are() -> None:
    assert b"\x00\xff\xfe\r\n\r\n\x80\x00--" in request("body_binary_multipart").body
    assert b"caff\xe8 \xff\xfe\x80" in request("subject_not_utf8").encode()
    assert response("response_reason_utf8").reason == "È andata bene = 2**3 ✓"


def test_only_the_first_message_of_a_datagram_counts() -> None:
    message = request("second_message_in_datagram")

    assert (message.call_id, message.body) == ("first@anna.example.net", b"")


def test_ipv6_ports_and_groups_are_told_apart() -> None:
    looks_like_port = request("ipv6_last_group_looks_like_port").parsed_uri
    has_port = request("ipv6_with_port").parsed_uri

    assert (looks_like_port.address, looks_like_port.port) == ("2001:db8::10:5070", None)
    assert (has_port.address, has_port.port) == ("2001:db8::10", 5070)
    for name in ("via_received_in_brackets", "via_received_without_brackets"):
        assert request(name).top_via().received == "2001:db8::9:255"
    assert request("via_ipv4_and_ipv6").vias()[2].received == "192.0.2.200"


def test_rfc_2543_had_no_branch_no_tag_and_no_length() -> None:
    message = request("rfc2543_invite")

    assert (message.top_via().branch, message.from_().tag, message.content_length) == (None, None, None)
    assert message.from_().uri.param("user") == "phone"
    assert message.to().uri.params == ()
    assert message.body.endswith(b"RTP/AVP 18 8\r\n")


def rfc_messages() -> list[Any]:
    expected = RFC_DATA / "sip-expected.json"
    if not expected.exists():
        return [pytest.param("", "", {}, marks=pytest.mark.skip(reason="the RFCs' torture messages are not at hand"))]
    verdicts = json.loads(expected.read_text())
    return [
        pytest.param(rfc, name, verdict, id=f"{rfc}-{name}")
        for rfc, messages in verdicts.items()
        for name, verdict in messages.items()
    ]


@pytest.mark.parametrize(("rfc", "name", "verdict"), rfc_messages())
def test_the_torture_messages_of_the_rfcs_get_their_verdict(rfc: str, name: str, verdict: dict[str, Any]) -> None:
    data = (RFC_DATA / rfc / f"{name}.dat").read_bytes()
    answers = {*verdict.get("uas", ()), *verdict.get("proxy", ()), *verdict.get("reply", ())}

    try:
        message = parse_datagram(data)
    except SipParseError as error:
        assert verdict["parse"] in ("reject", "either")
        assert (error.status or "drop") in answers
    else:
        assert verdict["parse"] in ("ok", "either")
        assert data.startswith(message.encode())
