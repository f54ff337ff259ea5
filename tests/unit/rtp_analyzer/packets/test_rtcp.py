"""RTCP packets on the wire."""

import struct
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rtp_analyzer.packets.rtcp import (
    Goodbye,
    ReceiverReport,
    ReferenceDelay,
    ReferenceTime,
    ReportBlock,
    RtcpError,
    SenderReport,
    VoipMetrics,
    decode,
    middle,
)
from tests.unit.rtp_analyzer.rtcp_builders import (
    block,
    description,
    extended_block,
    extended_report,
    goodbye,
    packet,
    receiver_report,
    reference_delay,
    reference_time,
    sender_report,
    voip_metrics,
)

# An SR with one block, octet by octet as RFC 3550 6.4.1 draws it.
SENDER_REPORT = bytes.fromhex(
    "81c8000c 000a11ce 83aa7e80 40000000 00002710 00000064 00003e80"
    "00000b0b 40fffffe 000103e8 00000050 7e804000 00018000"
)


def test_a_sender_report_is_as_rfc_3550_draws_it() -> None:
    assert decode(SENDER_REPORT) == (
        SenderReport(
            ssrc=0xA11CE,
            ntp=0x83AA7E8040000000,
            rtp_timestamp=10_000,
            packets=100,
            octets=16_000,
            blocks=(
                ReportBlock(
                    ssrc=0xB0B,
                    fraction_lost_percent=25,
                    cumulative_lost=-2,
                    highest_sequence=0x103E8,
                    jitter=80,
                    last_report=0x7E804000,
                    delay_since=0x18000,
                ),
            ),
        ),
    )


def test_the_last_report_holds_the_middle_of_an_ntp_time() -> None:
    assert middle(0x83AA7E8040001234) == 0x7E804000


def test_a_compound_is_read_to_its_end() -> None:
    compound = sender_report(1, 7 << 32) + description(1) + goodbye(1, 2, reason=b"bye")

    assert decode(compound) == (SenderReport(1, 7 << 32, 160_000, 1000, 160_000), Goodbye((1, 2)))


def test_a_receiver_report_may_hold_31_blocks_or_none() -> None:
    full, empty = receiver_report(1, *(block(ssrc) for ssrc in range(31))), receiver_report(2)

    (first, second) = decode(full + empty)

    assert isinstance(first, ReceiverReport)
    assert [found.ssrc for found in first.blocks] == list(range(31))
    assert second == ReceiverReport(2)


@pytest.mark.parametrize(("lost", "wire"), [(2**23 - 1, 0x7FFFFF), (-(2**23), 0x800000), (-1, 0xFFFFFF), (0, 0)])
def test_cumulative_loss_is_signed(lost: int, wire: int) -> None:
    (report,) = decode(receiver_report(1, block(2, lost=wire)))

    assert isinstance(report, ReceiverReport)
    assert report.blocks[0].cumulative_lost == lost


def test_a_reduced_size_datagram_need_not_begin_with_a_report() -> None:
    assert decode(goodbye(5)) == (Goodbye((5,)),)  # RFC 5506


def test_padding_is_no_content() -> None:
    assert decode(sender_report(1, 5, padding=8)) == decode(sender_report(1, 5))


def test_what_is_of_no_use_here_is_skipped() -> None:
    application = packet(204, b"\0\0\0\1name" + bytes(8))
    feedback = packet(206, bytes(8), count=15)

    assert decode(application + feedback + description(1) + packet(192, b"") + goodbye(1)) == (Goodbye((1,)),)


def test_an_extension_after_the_blocks_is_skipped() -> None:
    extended = packet(201, struct.pack("!I", 1) + block(2) + bytes(12), count=1)

    assert decode(extended) == decode(receiver_report(1, block(2)))


def test_reference_times_and_their_answers_are_read() -> None:
    report = extended_report(1, reference_time(0x1234567890ABCDEF), reference_delay(9, 0xB7052000, 0x54000))

    assert decode(report) == (ReferenceTime(1, 0x1234567890ABCDEF), ReferenceDelay(9, 0xB7052000, 0x54000))


def test_one_block_may_answer_several_reference_times() -> None:
    both = extended_report(1, extended_block(5, struct.pack("!IIIIII", 2, 20, 21, 3, 30, 31)))

    assert decode(both) == (ReferenceDelay(2, 20, 21), ReferenceDelay(3, 30, 31))


def test_voip_metrics_are_as_rfc_3611_draws_them() -> None:
    contents = bytes.fromhex("00000b0b 0c0c5509 00780104 00c8008c eec43710 55582a28 f3000028 00500078".replace(" ", ""))

    assert decode(extended_report(1, extended_block(7, contents))) == (
        VoipMetrics(
            ssrc=0xB0B,
            loss_percent=4.6875,
            discard_percent=4.6875,
            burst_density_percent=33.203125,
            gap_density_percent=3.515625,
            burst_duration_ms=120,
            gap_duration_ms=260,
            round_trip_ms=200,
            end_system_delay_ms=140,
            signal_level_dbm=-18,
            noise_level_dbm=-60,
            echo_return_loss_db=55,
            gmin=16,
            r_factor=85,
            external_r_factor=88,
            mos_lq=4.2,
            mos_cq=4.0,
            concealment="standard",
            buffer_adaptive=True,
            buffer_nominal_ms=40,
            buffer_maximum_ms=80,
            buffer_absolute_maximum_ms=120,
        ),
    )


def test_what_a_receiver_does_not_know_is_none_and_not_127() -> None:
    (metrics,) = decode(extended_report(1, voip_metrics(2)))

    assert isinstance(metrics, VoipMetrics)
    unknown = (
        *(metrics.r_factor, metrics.external_r_factor, metrics.mos_lq, metrics.mos_cq),
        *(metrics.signal_level_dbm, metrics.noise_level_dbm, metrics.echo_return_loss_db),
        *(metrics.round_trip_ms, metrics.end_system_delay_ms, metrics.concealment, metrics.buffer_adaptive),
    )
    assert set(unknown) == {None}


@pytest.mark.parametrize("r_factor", [101, 126, 128, 255])
def test_a_rating_beyond_the_scale_is_none(r_factor: int) -> None:
    (metrics,) = decode(extended_report(1, voip_metrics(2, r_factor=r_factor)))

    assert isinstance(metrics, VoipMetrics)
    assert metrics.r_factor is None


@pytest.mark.parametrize(("tenths", "mos"), [(10, 1.0), (44, 4.4), (50, 5.0), (9, None), (51, None), (0, None)])
def test_an_opinion_is_in_tenths_from_1_to_5(tenths: int, mos: float | None) -> None:
    (metrics,) = decode(extended_report(1, voip_metrics(2, mos_lq=tenths)))

    assert isinstance(metrics, VoipMetrics)
    assert metrics.mos_lq == mos


def test_unknown_blocks_of_an_extended_report_are_skipped() -> None:
    report = extended_report(1, extended_block(1, bytes(8)), extended_block(255, b""), reference_time(3))

    assert decode(report) == (ReferenceTime(1, 3),)


@pytest.mark.parametrize(
    ("wire", "reason"),
    [
        (b"", "empty"),
        (SENDER_REPORT[:3], "header"),
        (SENDER_REPORT[:-1], "length exceeds"),
        (SENDER_REPORT[:-4], "length exceeds"),
        (SENDER_REPORT + b"\x80", "header"),
        (b"\x41" + SENDER_REPORT[1:], "version"),
        (sender_report(1) + b"\0" * 4, "version"),
        (b"\x82" + SENDER_REPORT[1:], "block is truncated"),
        (b"\x9f" + SENDER_REPORT[1:], "block is truncated"),
        (packet(200, bytes(20)), "sender report is truncated"),
        (packet(201, b""), "receiver report is truncated"),
        (packet(203, bytes(8), count=3), "BYE is truncated"),
        (packet(203, b"", padding=4) + packet(203, b""), "padding before"),
        (b"\xa0\xcb\0\0", "padding is longer"),
        (b"\xa0\xcb\0\1\0\0\0\0", "padding is longer"),
        (b"\xa0\xcb\0\1\0\0\0\x08", "padding is longer"),
        (b"\xa0\xcb\0\1\0\0\0\x03", "padding is longer"),
        (packet(207, b""), "extended report is truncated"),
        (packet(207, bytes(4) + b"\x04\0\0\2" + bytes(4)), "length of a block exceeds"),
        (extended_report(1, extended_block(4, bytes(4))), "reference time block is wrong"),
        (extended_report(1, extended_block(5, bytes(8))), "DLRR"),
        (extended_report(1, extended_block(7, bytes(28))), "VoIP metrics block is wrong"),
    ],
)
def test_what_is_wrong_anywhere_is_refused_as_a_whole(wire: bytes, reason: str) -> None:
    with pytest.raises(RtcpError, match=reason):
        decode(wire)


def test_srtcp_is_not_taken_for_rtcp() -> None:
    encrypted = SENDER_REPORT[:8] + bytes(range(40)) + b"\x80\0\0\1" + bytes(10)  # E bit, index, tag (RFC 3711 3.4)

    with pytest.raises(RtcpError):
        decode(encrypted)


def packets_in(wire: bytes) -> int:
    """How many were read; none of what is refused."""
    try:
        return len(decode(wire))
    except RtcpError:
        return 0


headers = st.builds(
    lambda first, kind, words: struct.pack("!BBH", 0x80 | first, kind, words),
    st.integers(0, 63),
    st.sampled_from([200, 201, 202, 203, 204, 205, 206, 207, 0, 255]),
    st.integers(0, 20),
)
near_misses = st.lists(headers | st.binary(max_size=40), max_size=8).map(b"".join)


@given(st.binary(max_size=512) | near_misses)
@example(b"\x80\xcf\0\2" + bytes(4) + b"\x05\0\0\0")
def test_garbage_is_refused_with_our_own_error_or_read(wire: bytes) -> None:
    assert packets_in(wire) <= len(wire) // 4


valid = st.sampled_from(
    [
        sender_report(1, 2**64 - 1, block(2), block(3)),
        receiver_report(1, block(2)),
        goodbye(1, 2),
        description(1),
        extended_report(1, reference_time(1), reference_delay(1, 2, 3), voip_metrics(4)),
    ]
)


@given(st.lists(valid, min_size=1, max_size=4).map(b"".join), st.data())
def test_a_damaged_compound_is_refused_with_our_own_error_or_read(wire: bytes, data: st.DataObject) -> None:
    damaged = bytearray(wire)
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))

    assert packets_in(bytes(damaged)) <= len(wire) // 4


def test_the_longest_datagram_costs_a_blink() -> None:
    many = goodbye() * (65_000 // 4)

    started = time.process_time()
    packets = decode(many)

    assert len(packets) == 65_000 // 4
    assert time.process_time() - started < 1
