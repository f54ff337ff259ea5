"""The synthetic captures from the file to the report, and the same numbers as the measurement fed by hand."""

import pytest

from rtp_analyzer.measure.formats import format_table, known_formats
from rtp_analyzer.measure.slices import StreamContext, build_report
from rtp_analyzer.taps.capture.analysis import analyse
from shared.captures import CapturedStream
from shared.events import StreamReport
from tests.unit.rtp_analyzer.captures import arrivals, negotiated_formats
from tests.unit.rtp_analyzer.measure.test_synthetic_captures import CAPTURES, HALF_A_DIGIT_MS, TRUTH
from tests.unit.rtp_analyzer.rtp_builders import measure

# What tshark 4.0.17 says of the same files, where it is wrong: lost, or highest jitter in ms.
LOST_BY_TSHARK = {"04_dup5": -5, "05_dup5_loss5": 0, "06_last_swapped": -1, "21_seq_restart": 28950}


@pytest.mark.skipif(not TRUTH, reason="no captures beside this checkout; test_capture_streams.py makes its own")
def test_there_are_captures_to_analyse() -> None:
    assert len(TRUTH) == 21


@pytest.mark.parametrize("name", TRUTH)
def test_a_capture_file_gives_its_truth(name: str) -> None:
    report = analyse(CAPTURES / f"{name}.pcap")

    assert (report.truncated, report.damage) == (False, None)
    assert {f"{stream.ssrc:#010x}" for stream in report.streams} == TRUTH[name]["streams"].keys()
    for stream in report.streams:
        truth = TRUTH[name]["streams"][f"{stream.ssrc:#010x}"]
        assert _as_truth(stream) == pytest.approx(truth, abs=HALF_A_DIGIT_MS, rel=0)


@pytest.mark.parametrize("name", TRUTH)
def test_the_file_tap_says_what_the_measurement_says_of_the_same_arrivals(name: str) -> None:
    path = CAPTURES / f"{name}.pcap"
    formats = known_formats(negotiated_formats(path))

    streams = analyse(path).streams

    for stream in streams:
        cut = measure(arrivals(path)[stream.ssrc], format_table(formats))
        context = StreamContext("-", "-", "caller", stream.source, formats)
        fed = build_report(cut, context, stream.mos_min)
        assert _shared_part(stream) == _shared_part(fed)


@pytest.mark.parametrize("name", LOST_BY_TSHARK if TRUTH else [])
def test_the_faults_of_tshark_are_not_ours(name: str) -> None:
    (stream,) = analyse(CAPTURES / f"{name}.pcap").streams

    assert stream.total.packets_lost == TRUTH[name]["streams"][f"{stream.ssrc:#010x}"]["lost_unique"]
    assert stream.total.packets_lost != LOST_BY_TSHARK[name]


def _shared_part(report: StreamReport) -> dict[str, object]:
    said = report.model_dump(exclude={"call_id", "media_id", "direction", "ssrc"})
    return {name: said[name] for name in StreamReport.model_fields if name in said}


def _as_truth(stream: CapturedStream) -> dict[str, float]:
    total = stream.total
    assert total.jitter_ms is not None
    assert total.jitter_max_ms is not None
    assert total.cumulative_lost is not None
    return {
        "received": total.packets_received,
        "segments": stream.segments,
        "expected": total.packets_expected,
        "unique": total.packets_expected - total.packets_lost,
        "dup": total.duplicates,
        "reordered": total.reordered,
        "lost_unique": total.packets_lost,
        "lost_rfc3550": total.cumulative_lost,
        "jitter_last_ms": total.jitter_ms,
        "jitter_max_ms": total.jitter_max_ms,
    }
