"""The captures that are handed to developers of this project, each with the truth written beside it."""

import json
from pathlib import Path
from typing import Any

import pytest

from rtp_analyzer.measure.formats import format_table, known_formats
from rtp_analyzer.measure.slices import StreamContext, build_report, cumulative_lost
from shared.events import StreamReport
from tests.unit.rtp_analyzer.captures import arrivals, negotiated_formats
from tests.unit.rtp_analyzer.rtp_builders import lost, measure

CAPTURES = Path(__file__).resolve().parents[5] / "shared" / "data" / "rtp-synthetic"
HALF_A_DIGIT_MS = 0.5001e-4  # the truth is printed with four digits
TRUTH_FILE = CAPTURES / "truth.json"
TRUTH: dict[str, Any] = json.loads(TRUTH_FILE.read_text()) if TRUTH_FILE.exists() else {}
# What truth.json does not say and the streams are made to show; all others are as in an unimpaired stream.
UNIMPAIRED = {
    "events_received": 0,
    "comfort_noise_received": 0,
    "timestamp_steps": 0,
    "drift_ppm": None,
    "burst_r": None,
    "discarded": (0, 0, 0),
    "bursts": 0,
    "burst_density": None,
    "burst_duration_ms": None,
    "loss_runs": (0,) * 10,
    "pdv_p95_ms": 0,
}
SHOWN: dict[str, dict[str, Any]] = {
    "02_loss10_single": {
        "burst_r": 1,
        "bursts": 1,
        "burst_density": pytest.approx(10 / 91),
        "burst_duration_ms": 1820,
        "loss_runs": (10, *(0,) * 9),
    },
    "03_loss_burst8": {
        "burst_r": pytest.approx(7.36),
        "bursts": 1,
        "burst_density": 1,
        "burst_duration_ms": 160,
        "loss_runs": (0, 0, 0, 0, 0, 0, 0, 1, 0, 0),
    },
    "05_dup5_loss5": {
        "burst_r": pytest.approx(4.75),
        "bursts": 1,
        "burst_density": 1,
        "burst_duration_ms": 100,
        "loss_runs": (0, 0, 0, 0, 1, 0, 0, 0, 0, 0),
    },
    "09_wrap_lost": {
        "burst_r": pytest.approx(9),
        "bursts": 1,
        "burst_density": 1,
        "burst_duration_ms": 200,
        "loss_runs": (*(0,) * 9, 1),
    },
    "10_jitter_alt10": {"pdv_p95_ms": pytest.approx(10, rel=1 / 30)},
    "12_dtmf_4733": {"events_received": 12, "pdv_p95_ms": pytest.approx(0.5, abs=0.07)},
    "13_cn_dtx": {"comfort_noise_received": 1},
    "14_silence_no_ts_jump": {"timestamp_steps": 1},
    "20_drift_200ppm": {"drift_ppm": pytest.approx(-200, abs=0.5), "pdv_p95_ms": pytest.approx(0, abs=0.25)},
}


@pytest.mark.skipif(not TRUTH, reason="no captures beside this checkout; test_stream.py builds the same streams")
def test_there_are_captures_to_measure() -> None:
    assert len(TRUTH) == 21


@pytest.mark.parametrize("name", TRUTH)
def test_a_capture_gives_its_truth(name: str) -> None:
    capture = CAPTURES / f"{name}.pcap"
    table = format_table(known_formats(negotiated_formats(capture)))

    measured = {f"{ssrc:#010x}": measure(packets, table) for ssrc, packets in arrivals(capture).items()}

    assert measured.keys() == TRUTH[name]["streams"].keys()
    for ssrc, truth in TRUTH[name]["streams"].items():
        assert _as_truth(measured[ssrc]) == pytest.approx(truth, abs=HALF_A_DIGIT_MS, rel=0)


@pytest.mark.parametrize("name", TRUTH)
def test_a_capture_shows_what_it_was_made_for(name: str) -> None:
    capture = CAPTURES / f"{name}.pcap"
    formats = known_formats(negotiated_formats(capture))
    context = StreamContext("a@b", "m1", "caller", None, formats)

    records = [measure(packets, format_table(formats)) for packets in arrivals(capture).values()]

    for record in records:
        assert _shown(build_report(record, context, None)) == UNIMPAIRED | SHOWN.get(name, {})


def _shown(report: StreamReport) -> dict[str, Any]:
    total, structure = report.total, report.burst_gap
    assert total.buffers is not None
    assert structure is not None
    return {
        "events_received": report.events_received,
        "comfort_noise_received": report.comfort_noise_received,
        "timestamp_steps": report.timestamp_steps,
        "drift_ppm": report.drift_ppm,
        "burst_r": total.burst_r,
        "discarded": tuple(buffer.packets_discarded for buffer in total.buffers),
        "bursts": structure.bursts,
        "burst_density": structure.burst_density,
        "burst_duration_ms": structure.burst_duration_ms,
        "loss_runs": report.loss_runs,
        "pdv_p95_ms": total.pdv_p95_ms,
    }


def _as_truth(record: Any) -> dict[str, float]:
    return {
        "received": int(record["total_received"]),
        "segments": int(record["segments"]),
        "expected": int(record["total_expected"]),
        "unique": int(record["total_unique"]),
        "dup": int(record["total_duplicates"]),
        "reordered": int(record["total_reordered"]),
        "lost_unique": lost(record),
        "lost_rfc3550": cumulative_lost(int(record["total_expected"]), int(record["total_received"])),
        "jitter_last_ms": float(record["total_jitter_s"]) * 1000,
        "jitter_max_ms": float(record["total_jitter_max_s"]) * 1000,
    }
