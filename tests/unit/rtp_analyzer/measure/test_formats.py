"""Payload types and their clocks."""

import pytest

from rtp_analyzer.measure.formats import PAYLOAD_TYPES, format_table, known_formats
from rtp_analyzer.measure.state import COMFORT_NOISE, EVENT, VOICE
from shared.events.media import PayloadFormat


def named(payload_type: int, encoding: str, clock_rate: int) -> PayloadFormat:
    return PayloadFormat(payload_type=payload_type, encoding=encoding, clock_rate=clock_rate)


@pytest.mark.parametrize(
    ("payload_type", "encoding", "clock_rate"),
    [(0, "PCMU", 8000), (8, "PCMA", 8000), (9, "G722", 8000), (18, "G729", 8000), (13, "CN", 8000), (11, "L16", 44100)],
)
def test_static_payload_types_need_no_sdp(payload_type: int, encoding: str, clock_rate: int) -> None:
    known = known_formats(())[payload_type]

    assert (known.encoding, known.clock_rate) == (encoding, clock_rate)


def test_sdp_wins_over_the_static_table() -> None:
    assert known_formats([named(3, "SPEEX", 16000)])[3].encoding == "SPEEX"


def test_a_dynamic_payload_type_is_known_from_sdp_alone() -> None:
    assert 96 not in known_formats(())
    assert known_formats([named(96, "OPUS", 48000)])[96].encoding == "OPUS"


@pytest.mark.parametrize(("encoding", "wrong", "right"), [("G722", 16000, 8000), ("opus", 16000, 48000)])
def test_a_wrong_clock_rate_in_sdp_is_corrected(encoding: str, wrong: int, right: int) -> None:
    assert known_formats([named(96, encoding, wrong)])[96].clock_rate == right


def test_the_table_tells_speech_from_events_and_noise() -> None:
    table = format_table(known_formats([named(101, "telephone-event", 8000), named(98, "CN", 16000)]))

    assert len(table) == PAYLOAD_TYPES
    assert [int(table[number]["kind"]) for number in (8, 101, 13, 98)] == [VOICE, EVENT, COMFORT_NOISE, COMFORT_NOISE]
    assert [int(table[number]["clock_rate"]) for number in (8, 101, 98, 97)] == [8000, 8000, 16000, 0]
