"""Datagrams: framing, limits, and what can still be answered when a message is broken."""

import contextlib
import time

import pytest

from sip_proxy.sip.message import Request, Response, response_to
from sip_proxy.sip.parser import Limits, SipParseError, is_keepalive, parse_datagram


def options(*extra: bytes, start: bytes = b"OPTIONS sip:bruno@example.org SIP/2.0", body: bytes = b"") -> bytes:
    fields = (
        b"Via: SIP/2.0/UDP 192.0.2.10;branch=z9hG4bK1",
        b"From: <sip:anna@example.net>;tag=a1",
        b"To: <sip:bruno@example.org>",
        b"Call-ID: 1@192.0.2.10",
        b"CSeq: 1 OPTIONS",
    )
    return b"\r\n".join((start, *fields, *extra)) + b"\r\n\r\n" + body


def refused(data: bytes, limits: Limits | None = None) -> SipParseError:
    with pytest.raises(SipParseError) as caught:
        parse_datagram(data, limits or Limits())
    return caught.value


@pytest.mark.parametrize("data", [b"", b"\r\n", b"\r\n\r\n", b"\x00", b"\x00\x00\x00\x00", b"\n", b"\x00" * 1400])
def test_keepalives_are_told_apart(data: bytes) -> None:
    assert is_keepalive(data)


@pytest.mark.parametrize("data", [b"OPTIONS", b" ", b"\r\n\r\nx", b"\x00\x01\x00\x00"])
def test_other_datagrams_are_no_keepalives(data: bytes) -> None:
    assert not is_keepalive(data)


def test_line_ends_before_the_start_line_are_skipped() -> None:
    assert isinstance(parse_datagram(b"\r\n\r\n" + options()), Request)


def test_the_body_is_as_long_as_content_length_says() -> None:
    assert parse_datagram(options(b"l: 3", body=b"abcdef")).body == b"abc"
    assert parse_datagram(options(b"Content-Length:0", body=b"abcdef")).body == b""


def test_without_content_length_the_body_is_all_that_follows() -> None:
    assert parse_datagram(options(body=b"abc\r\n\r\ndef")).body == b"abc\r\n\r\ndef"


def test_the_version_may_be_written_in_lower_case() -> None:
    data = options(start=b"OPTIONS sip:bruno@example.org sip/2.0")

    assert parse_datagram(data).encode() == data


def test_a_status_line_without_its_last_space_is_completed() -> None:
    response = parse_datagram(options(start=b"SIP/2.0 180"))

    assert isinstance(response, Response)
    assert (response.status, response.reason) == (180, "")
    assert response.encode().startswith(b"SIP/2.0 180 \r\n")


@pytest.mark.parametrize("status", [b"099", b"700", b"20", b"2000", b"2OO", b"-200"])
def test_a_status_out_of_range_is_dropped(status: bytes) -> None:
    assert refused(options(start=b"SIP/2.0 " + status + b" OK")).status is None


def test_a_message_too_large_is_answered_513_unread() -> None:
    error = refused(options(body=b"x" * 20_000))

    assert (error.status, error.reason) == (513, "Message Too Large")
    assert error.partial is not None
    assert error.partial.call_id == "1@192.0.2.10"


def test_each_limit_is_the_largest_that_passes() -> None:
    data = options(b"X: 1")
    fits = Limits(message_bytes=len(data), start_line_chars=37, header_fields=6, header_chars=43)

    assert isinstance(parse_datagram(data, fits), Request)
    assert refused(data + b"x", fits).status == 513
    assert refused(options(start=b"OPTIONS sip:bruno2@example.org SIP/2.0"), fits).status == 414
    assert refused(options(b"X: 1", b"Y: 2"), Limits(header_fields=6)).reason == "Too Many Header Fields"
    assert refused(options(b"X: " + b"a" * 41), Limits(header_chars=43)).reason == "Header Field Too Long"


def test_a_via_without_any_hop_is_refused() -> None:
    assert refused(options().replace(b"SIP/2.0/UDP 192.0.2.10;branch=z9hG4bK1", b" , ,")).reason == "Malformed Via"


def test_a_method_too_long_is_refused() -> None:
    assert refused(options(start=b"M" * 65 + b" sip:bruno@example.org SIP/2.0")).status == 400


@pytest.mark.parametrize("call_id", [b"", b"a b", b"a\x00b", b"a\x7fb", b"a\xffb", b"a" * 513])
def test_a_call_id_that_could_harm_a_log_or_a_key_is_refused(call_id: bytes) -> None:
    assert refused(options().replace(b"1@192.0.2.10", call_id)).reason == "Malformed Call-ID"


def test_a_refused_request_can_be_answered() -> None:
    error = refused(options(b"Content-Length: 99"))

    assert error.partial is not None
    response = response_to(error.partial, error.status or 0, error.reason, to_tag="b2")
    assert response.encode() == (
        b"SIP/2.0 400 Content-Length Exceeds Datagram\r\n"
        b"Via: SIP/2.0/UDP 192.0.2.10;branch=z9hG4bK1\r\n"
        b"From: <sip:anna@example.net>;tag=a1\r\n"
        b"To: <sip:bruno@example.org>;tag=b2\r\n"
        b"Call-ID: 1@192.0.2.10\r\n"
        b"CSeq: 1 OPTIONS\r\n"
        b"Content-Length: 0\r\n\r\n"
    )


def test_a_truncated_datagram_is_answered_with_what_arrived() -> None:
    data = options()

    statuses = {refused(data[:length]).status for length in range(len(data) - 1)}
    late = refused(data[: data.index(b"Call-ID")])

    assert statuses == {None, 400}
    assert late.partial is not None
    assert late.partial.to().uri.user == "bruno"
    assert late.partial.headers.get("Call-ID") is None


def test_an_answer_carries_nothing_from_a_line_end_in_the_wrong_place() -> None:
    error = refused(options(b"Subject: x\nVia: SIP/2.0/UDP evil.example;branch=z9hG4bK9\rTo: <sip:x@y>"))

    assert (error.status, error.reason) == (400, "Bare CR or LF")
    assert error.partial is not None
    assert all("\r" not in raw and "\n" not in raw for raw in error.partial.headers.raw_fields())


@pytest.mark.parametrize(
    "data",
    [
        options(b"Content-Length: 99", start=b"SIP/2.0 200 OK"),
        options(b"Content-Length: 99", start=b"ACK sip:bruno@example.org SIP/2.0"),
        options().replace(b"Via: SIP/2.0/UDP 192.0.2.10;branch=z9hG4bK1\r\n", b""),
        options(start=b"OPTIONS sip:bruno@example.org"),
        options(start=b"SIP/7.0 200 OK"),
        options(start=b""),
        options(start=b"(OPTIONS) sip:bruno@example.org SIP/2.0"),
        b"x" * 70_000,
    ],
)
def test_what_cannot_or_must_not_be_answered_is_dropped(data: bytes) -> None:
    error = refused(data)

    assert (error.status, error.partial) == (None, None)


def test_only_values_that_we_rely_on_are_checked_in_a_response() -> None:
    response = parse_datagram(options(b"Contact: <<<", b"Record-Route: ;;", start=b"SIP/2.0 200 OK"))

    with pytest.raises(SipParseError):
        _ = response.contacts
    with pytest.raises(SipParseError):
        _ = response.record_routes
    for field in (b"Contact: <<<", b"Record-Route: ;;", b"Route: x"):
        assert refused(options(field)).status == 400


# 8 kB in one field, made so that a pattern which tries again from every position would take seconds.
@pytest.mark.parametrize(
    "value",
    [
        b'"' + b'\\"' * 4000,
        b'"' * 8001,
        b"<" * 8000,
        b"sip:" * 2000,
        b";" + b" " * 8000,
        b"a," * 4000,
        b" " * 8000 + b"x",
        b"<sip:a@b" + b";x=" * 2500,
        b"sip:a" + b"%41" * 2600 + b"@",
        b"9" * 8000,
        b"SIP/2.0/UDP " + b"h" * 8000,
        b"SIP/2.0/UDP h" + b";a" * 3900 + b"\x01",
    ],
)
@pytest.mark.parametrize("name", [b"Via", b"From", b"Contact", b"Route", b"CSeq", b"Expires", b"X"])
def test_hostile_values_cost_linear_time(name: bytes, value: bytes) -> None:
    data = options(name + b": " + value)
    began = time.process_time()

    with contextlib.suppress(SipParseError):
        parse_datagram(data)

    assert time.process_time() - began < 0.25


def test_a_message_full_of_folds_costs_linear_time() -> None:
    data = options(b"X: a" + b"\r\n \t " * 2600)
    began = time.process_time()

    refused_or_not = parse_datagram(data, Limits(header_chars=16_384))

    assert refused_or_not.headers.get("X") == "a"
    assert time.process_time() - began < 0.25
