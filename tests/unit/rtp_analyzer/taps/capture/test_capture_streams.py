"""What is a stream, whose it is, and which streams are one medium."""

import pytest

from tests.capture_files import (
    ALICE,
    BOB,
    BYE,
    INVITE,
    NS_PER_MS,
    START_NS,
    on_ethernet,
    pcap,
    sdp,
    set_up,
    signalling,
    sip,
    tcp,
    udp,
    voice,
)

PROXY_TO_ALICE = ("198.51.100.1", 20_000)
PROXY_TO_BOB = ("198.51.100.1", 20_002)
OPUS = "111 opus/48000/2"


def test_sdp_names_the_codec_the_call_and_who_speaks(analysed) -> None:
    report = analysed(
        pcap(
            on_ethernet(
                set_up("one@call", ALICE, BOB, formats=OPUS),
                voice(payload_type=111, ssrc=1, source=ALICE, target=BOB),
                voice(payload_type=111, ssrc=2, source=BOB, target=ALICE),
            )
        )
    )

    said = {
        stream.ssrc: (stream.codec, stream.clock_rate, stream.call_id, stream.direction) for stream in report.streams
    }
    assert said == {1: ("OPUS", 48000, "one@call", "caller"), 2: ("OPUS", 48000, "one@call", "callee")}
    (call,) = report.calls
    assert (call.caller, call.callee, call.streams) == ("alice@example.com", "bob@example.com", (1, 2))


def test_sdp_that_comes_after_its_media_names_them_too(analysed) -> None:
    report = analysed(
        pcap(on_ethernet(set_up("one@call", ALICE, BOB, formats=OPUS, at_ms=100), voice(payload_type=111)))
    )

    assert [(stream.codec, stream.call_id, stream.direction) for stream in report.streams] == [
        ("OPUS", "one@call", "caller")
    ]


def test_sip_over_tcp_in_pieces_and_out_of_order_is_read(analysed) -> None:
    message = sip(INVITE, "tcp@call", ("a", None), "1 INVITE", sdp(BOB, OPUS))
    parts = [(0, message[:300]), (350, message[350:]), (300, message[300:350])]
    connection = (ALICE[0], 33_000), (BOB[0], 5070)
    segments = [(START_NS - 10**9 + i, tcp(data, 5000 + at, *connection)) for i, (at, data) in enumerate(parts)]

    report = analysed(pcap(on_ethernet(segments, voice(payload_type=111))))

    assert [(stream.codec, stream.call_id) for stream in report.streams] == [("OPUS", "tcp@call")]


def test_a_dynamic_payload_type_that_nobody_named_has_no_codec_and_no_mos(analysed) -> None:
    report = analysed(pcap(on_ethernet(voice(payload_type=111))))

    (stream,) = report.streams
    assert (stream.codec, stream.clock_rate, stream.mos_min, stream.identified) == (None, None, None, "sequence")
    assert stream.total.quality.grounding == "none"
    assert stream.total.jitter_ms is None


def test_without_sip_a_stream_has_no_call_and_no_direction(analysed) -> None:
    report = analysed(pcap(on_ethernet(voice())))

    (stream,) = report.streams
    assert (stream.call_id, stream.direction, stream.codec) == (None, None, "PCMA")
    assert stream.total.quality.mos == pytest.approx(4.41, abs=0.005)


def test_what_only_looks_like_rtp_is_no_stream(analysed) -> None:
    noise = [
        (START_NS + i * NS_PER_MS, udp(bytes([0x80, 8, i * 37 & 255, i * 91 & 255]) + bytes(12), ALICE, BOB))
        for i in range(200)
    ]

    report = analysed(pcap(on_ethernet(noise)))

    assert report.streams == ()
    assert report.counts.rtp == 200


def test_the_same_ssrc_in_both_directions_is_two_streams(analysed) -> None:
    report = analysed(
        pcap(on_ethernet(voice(payload=b"\x01" * 160), voice(source=BOB, target=ALICE, payload=b"\x02" * 160)))
    )

    assert [(stream.source, stream.copy_of) for stream in report.streams] == [
        ("192.0.2.10:40000", None),
        ("192.0.2.20:50000", None),
    ]


def test_a_call_captured_on_both_sides_of_a_proxy_has_four_streams_and_two_media(analysed) -> None:
    inside = set_up("one@call", ALICE, PROXY_TO_ALICE)
    outside = set_up("one@call", PROXY_TO_BOB, BOB, at_ms=-99)
    report = analysed(
        pcap(
            on_ethernet(
                inside,
                outside,
                voice(ssrc=1, source=ALICE, target=PROXY_TO_ALICE),
                voice(ssrc=1, source=PROXY_TO_BOB, target=BOB, start_ms=0.2),
                voice(ssrc=2, source=BOB, target=PROXY_TO_BOB, start_ms=1),
                voice(ssrc=2, source=PROXY_TO_ALICE, target=ALICE, start_ms=1.2),
            )
        )
    )

    said = [(stream.number, stream.ssrc, stream.direction, stream.copy_of) for stream in report.streams]
    assert said == [(1, 1, "caller", None), (2, 1, "caller", 1), (3, 2, "callee", None), (4, 2, "callee", 3)]
    (call,) = report.calls
    assert (call.streams, call.copies) == ((1, 3), (2, 4))
    assert len({stream.media_id for stream in report.streams}) == 2


def test_both_sides_of_an_address_translation_are_copies_not_one_stream_that_jumps(analysed) -> None:
    outside = ("203.0.113.5", 61_000)
    report = analysed(pcap(on_ethernet(voice(), voice(source=outside, start_ms=0.05))))

    said = [
        (stream.source, stream.segments, stream.total.packets_received, stream.copy_of) for stream in report.streams
    ]
    assert said == [("192.0.2.10:40000", 1, 50, None), ("203.0.113.5:61000", 1, 50, 1)]


def test_an_echo_is_a_medium_of_its_own(analysed) -> None:
    report = analysed(pcap(on_ethernet(voice(), voice(source=BOB, target=ALICE, start_ms=5))))

    assert [stream.copy_of for stream in report.streams] == [None, None]


def test_a_source_that_moves_goes_on_as_the_same_stream_in_a_new_segment(analysed) -> None:
    moved = ("192.0.2.11", 41_000)
    report = analysed(pcap(on_ethernet(voice(50), voice(50, source=moved, first=1060, start_ms=1200))))

    (stream,) = report.streams
    assert (stream.segments, stream.total.packets_received, stream.total.packets_lost) == (2, 100, 0)
    assert stream.source == "192.0.2.11:41000"


def test_packets_after_the_bye_are_counted_and_lose_nothing(analysed) -> None:
    gone = [packet for i, packet in enumerate(voice(60)) if i < 50 or i % 2]
    report = analysed(
        pcap(
            on_ethernet(
                set_up("one@call", ALICE, BOB),
                signalling(sip(BYE, "one@call", ("a", "b"), "2 BYE"), 990),
                gone,
            )
        )
    )

    (stream,) = report.streams
    assert (stream.total.packets_received, stream.total.packets_lost, stream.packets_after_end) == (50, 0, 5)
    assert report.calls[0].ended_at == pytest.approx(START_NS / 1e9 + 0.99)


def test_the_bye_of_one_branch_of_a_fork_ends_no_call(analysed) -> None:
    other = signalling(sip("SIP/2.0 200 OK", "one@call", ("a", "c"), "1 INVITE"), -85)
    report = analysed(
        pcap(
            on_ethernet(
                set_up("one@call", ALICE, BOB),
                other,
                signalling(sip(BYE, "one@call", ("a", "c"), "2 BYE"), 10),
                voice(50),
            )
        )
    )

    assert report.streams[0].total.packets_received == 50
    assert report.calls[0].ended_at is None


def test_ports_that_a_later_call_uses_again_belong_to_that_call(analysed) -> None:
    report = analysed(
        pcap(
            on_ethernet(
                set_up("one@call", ALICE, BOB),
                voice(50),
                signalling(sip(BYE, "one@call", ("a", "b"), "2 BYE"), 1005),
                set_up("two@call", ALICE, BOB, at_ms=1500),
                voice(50, first=1051, start_ms=2000),
            )
        )
    )

    said = [(stream.call_id, stream.total.packets_received, stream.segments) for stream in report.streams]
    assert said == [("one@call", 50, 1), ("two@call", 50, 1)]


def test_a_hold_in_sdp_loses_no_packets(analysed) -> None:
    def reinvite(direction: str, at_ms: float) -> list[tuple[int, bytes]]:
        return signalling(sip(INVITE, "one@call", ("a", "b"), "2 INVITE", sdp(ALICE, direction=direction)), at_ms)

    report = analysed(
        pcap(
            on_ethernet(
                set_up("one@call", ALICE, BOB),
                voice(50),
                reinvite("inactive", 1010),
                reinvite("sendrecv", 3000),
                voice(50, first=1150, start_ms=3000),
            )
        )
    )

    (stream,) = report.streams
    assert (stream.segments, stream.total.packets_lost, stream.total.packets_received) == (2, 0, 100)


def test_the_worst_second_is_told_beside_the_whole(analysed) -> None:
    packets = [packet for i, packet in enumerate(voice(500)) if not 100 <= i < 110]

    report = analysed(pcap(on_ethernet(packets)))

    (stream,) = report.streams
    assert stream.total.packets_lost == 10
    assert stream.mos_min < 3 < stream.total.quality.mos


def test_more_streams_than_there_was_room_for_are_all_found(analysed) -> None:
    packets = [voice(5, ssrc=ssrc, source=(ALICE[0], 10_000 + ssrc)) for ssrc in range(1, 901)]

    report = analysed(pcap(on_ethernet(*packets)))

    assert sorted(stream.ssrc for stream in report.streams) == list(range(1, 901))
    assert all(stream.total.packets_received == 5 and stream.segments == 1 for stream in report.streams)
