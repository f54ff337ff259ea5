"""The captures that are handed to developers of this project, each with the truth written beside it."""

import json
from pathlib import Path
from typing import Any

import pytest

from rtp_analyzer.measure.formats import format_table, known_formats
from rtp_analyzer.measure.slices import cumulative_lost
from tests.unit.rtp_analyzer.captures import arrivals, negotiated_formats
from tests.unit.rtp_analyzer.rtp_builders import lost, measure

CAPTURES = Path(__file__).resolve().parents[5] / "shared" / "data" / "rtp-synthetic"
HALF_A_DIGIT_MS = 0.5001e-4  # the truth is printed with four digits
TRUTH_FILE = CAPTURES / "truth.json"
TRUTH: dict[str, Any] = json.loads(TRUTH_FILE.read_text()) if TRUTH_FILE.exists() else {}


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
