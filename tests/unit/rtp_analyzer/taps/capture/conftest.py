"""Captures on disk."""

from collections.abc import Callable
from pathlib import Path

import pytest

from rtp_analyzer.taps.capture.analysis import analyse
from shared.captures import CaptureReport


@pytest.fixture
def analysed(tmp_path: Path) -> Callable[[bytes], CaptureReport]:
    def run(file: bytes) -> CaptureReport:
        path = tmp_path / "some.pcap"
        path.write_bytes(file)
        return analyse(path)

    return run
