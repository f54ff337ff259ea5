"""`python -m rtp_analyzer capture` as a user runs it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.capture_files import ALICE, BOB, INVITE, on_ethernet, pcap, sdp, set_up, signalling, sip, voice

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]  # in a fresh checkout it compiles first


def command(*arguments: str | Path, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "rtp_analyzer", "capture", *map(str, arguments)],
        input=given,
        capture_output=True,
        timeout=280,
    )


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    path = tmp_path / "call.pcap"
    path.write_bytes(pcap(on_ethernet(set_up("one@call", ALICE, BOB), voice(100))))
    return path


def test_a_table_names_the_call_and_its_streams(capture: Path) -> None:
    done = command(capture)

    said = done.stdout.decode()
    assert (done.returncode, done.stderr) == (0, b"")
    assert "alice@example.com calls bob@example.com  (one@call)" in said
    row = next(line for line in said.splitlines() if "11223344" in line).split()
    assert row[:6] == ["1", "192.0.2.10:40000", "192.0.2.20:50000", "caller", "11223344", "PCMA"]
    assert "4.41" in row


def test_json_is_one_document_with_full_reports(capture: Path) -> None:
    document = json.loads(command(capture, "--json").stdout)

    (stream,) = document["streams"]
    assert stream["total"]["packets_received"] == 100
    assert stream["total"]["quality"]["waterfall"]["r"] == pytest.approx(93.2, abs=0.05)
    assert document["calls"][0]["streams"] == [1]


def test_standard_input_is_read(capture: Path) -> None:
    done = command("-", "--json", given=capture.read_bytes())

    assert json.loads(done.stdout)["name"] == "standard input"


def test_a_file_without_rtp_is_no_error(tmp_path: Path) -> None:
    empty = tmp_path / "empty.pcap"
    empty.write_bytes(pcap([]))

    done = command(empty)

    assert done.returncode == 0
    assert "no RTP in it" in done.stdout.decode()


def test_what_is_no_capture_is_told_in_one_sentence() -> None:
    done = command(__file__)

    assert (done.returncode, done.stdout) == (2, b"")
    assert done.stderr.decode().splitlines() == [
        "rtp_analyzer: test_capture_command.py is no capture: neither pcap nor pcapng"
    ]


def test_a_file_that_was_cut_off_is_shown_with_a_warning(capture: Path) -> None:
    capture.write_bytes(capture.read_bytes()[:-10])

    done = command(capture)

    assert done.returncode == 0
    assert "11223344" in done.stdout.decode()
    assert "ends within a packet" in done.stderr.decode()


def test_a_damaged_file_is_shown_and_fails(capture: Path) -> None:
    capture.write_bytes(capture.read_bytes() + b"\xff" * 64)

    done = command(capture)

    assert done.returncode == 2
    assert "11223344" in done.stdout.decode()
    assert "damaged after packet 102" in done.stderr.decode()


def test_nothing_of_a_capture_can_control_the_terminal(tmp_path: Path) -> None:
    evil = tmp_path / "evil.pcap"
    invite = sip(INVITE, "\x1b[2Jone", ("a", None), "1 INVITE", sdp(BOB)).replace(b"alice", b"\x1b]0;x")
    evil.write_bytes(pcap(on_ethernet(signalling(invite, 0), voice(50))))

    done = command(evil)

    assert b"[2Jone" in done.stdout
    assert b"\x1b" not in done.stdout + done.stderr
