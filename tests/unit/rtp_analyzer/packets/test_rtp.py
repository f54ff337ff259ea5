"""RTP packets on the wire."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtp_analyzer.packets.rtp import (
    BAD_PADDING,
    FAULTS,
    TOO_SHORT,
    TRUNCATED_CSRC,
    TRUNCATED_EXTENSION,
    VALID,
    WRONG_VERSION,
    RtpError,
    RtpPacket,
    is_rtcp,
    locate_payload,
    read_header,
)

# PCMA, marker, sequence 0x1234, timestamp 0x01020304, SSRC 0xdeadbeef, two octets of payload
SIMPLE = bytes.fromhex("80881234 01020304 deadbeef d5d5")
# one CSRC, an extension of one word, four octets of payload, three of padding
RICH = bytes.fromhex("b1601234 01020304 deadbeef 0000002a bede0001 10aa0000 01020304 000003")

words = st.integers(0, 2**32 - 1)
packets = st.builds(
    RtpPacket,
    payload_type=st.integers(0, 127),
    sequence=st.integers(0, 65_535),
    timestamp=words,
    ssrc=words,
    payload=st.binary(max_size=300),
    marker=st.booleans(),
    csrcs=st.lists(words, max_size=15).map(tuple),
    extension=st.none()
    | st.tuples(st.integers(0, 65_535), st.lists(st.binary(min_size=4, max_size=4), max_size=5).map(b"".join)),
    padding=st.integers(0, 255),
)


def check(wire: bytes) -> int:
    """The verdict on a datagram in a larger buffer, as a socket fills it."""
    buffer = np.full(2048, 0xAA, np.uint8)
    buffer[: len(wire)] = np.frombuffer(wire, np.uint8)
    return locate_payload(buffer, len(wire))[0]


def test_the_fields_are_where_rfc_3550_draws_them() -> None:
    assert RtpPacket.decode(SIMPLE) == RtpPacket(
        payload_type=8, sequence=0x1234, timestamp=0x01020304, ssrc=0xDEADBEEF, payload=b"\xd5\xd5", marker=True
    )


def test_csrcs_extension_and_padding_are_no_payload() -> None:
    assert RtpPacket.decode(RICH) == RtpPacket(
        payload_type=96,
        sequence=0x1234,
        timestamp=0x01020304,
        ssrc=0xDEADBEEF,
        payload=bytes([1, 2, 3, 4]),
        csrcs=(42,),
        extension=(0xBEDE, bytes([0x10, 0xAA, 0, 0])),
        padding=3,
    )


def test_the_compiled_parser_reads_no_further_than_the_datagram() -> None:
    buffer = np.frombuffer(bytearray(SIMPLE + b"\xff" * 100), np.uint8)

    assert locate_payload(buffer, len(SIMPLE)) == (VALID, 12, 2)
    assert read_header(buffer) == (8, 1, 0x1234, 0x01020304, 0xDEADBEEF)


@given(packets)
def test_what_is_encoded_can_be_decoded(packet: RtpPacket) -> None:
    assert RtpPacket.decode(packet.encode()) == packet


@pytest.mark.parametrize(
    ("wire", "fault"),
    [
        (b"", TOO_SHORT),
        (SIMPLE[:11], TOO_SHORT),
        (b"\x40" + SIMPLE[1:], WRONG_VERSION),
        (b"\x00\x01" + SIMPLE[2:], WRONG_VERSION),  # STUN
        (b"\x8f" + SIMPLE[1:], TRUNCATED_CSRC),
        (RICH[:18], TRUNCATED_EXTENSION),
        (RICH[:22], TRUNCATED_EXTENSION),
        (b"\xa0" + SIMPLE[1:-1] + b"\x00", BAD_PADDING),
        (b"\xa0" + SIMPLE[1:-1] + b"\x03", BAD_PADDING),
        (b"\xa0" + SIMPLE[1:12], BAD_PADDING),
        (SIMPLE[:12], VALID),
        (b"\xa0" + SIMPLE[1:-1] + b"\x02", VALID),
    ],
)
def test_a_datagram_is_checked(wire: bytes, fault: int) -> None:
    assert check(wire) == fault


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_has_words(fault: int) -> None:
    wire = {
        TOO_SHORT: b"\x80",
        WRONG_VERSION: bytes(12),
        TRUNCATED_CSRC: b"\x81" + bytes(11),
        TRUNCATED_EXTENSION: b"\x90" + bytes(11),
        BAD_PADDING: b"\xa0" + bytes(12),
    }[fault]

    with pytest.raises(RtpError, match=FAULTS[fault]):
        RtpPacket.decode(wire)


@given(st.binary(max_size=100))
def test_garbage_is_refused_or_stays_inside_the_datagram(wire: bytes) -> None:
    fault, offset, payload_bytes = locate_payload(np.frombuffer(bytearray(wire + bytes(1)), np.uint8), len(wire))

    assert (fault in FAULTS) == (fault != VALID)
    assert 0 <= offset <= offset + payload_bytes <= len(wire)


@given(packets, st.data())
def test_a_truncated_packet_is_refused_or_shorter(packet: RtpPacket, data: st.DataObject) -> None:
    wire = packet.encode()
    length = data.draw(st.integers(0, len(wire) - 1))

    fault, offset, payload_bytes = locate_payload(np.frombuffer(bytearray(wire), np.uint8), length)

    assert fault != VALID or offset + payload_bytes <= length


@pytest.mark.parametrize(
    ("second", "rtcp"),
    [(200, True), (201, True), (207, True), (192, True), (223, True), (8, False), (0x80 | 8, False), (96, False)],
)
def test_rtcp_is_told_from_rtp_by_its_packet_type(second: int, rtcp: bool) -> None:
    wire = np.array([0x80, second, *bytes(10)], np.uint8)

    assert is_rtcp(wire, len(wire)) is rtcp


def test_what_is_too_short_or_of_another_version_is_no_rtcp() -> None:
    report = np.array([0x80, 201, 0, 1, 0, 0, 0, 1], np.uint8)

    assert is_rtcp(report, 8)
    assert not is_rtcp(report, 7)
    report[0] = 0x40
    assert not is_rtcp(report, 8)
