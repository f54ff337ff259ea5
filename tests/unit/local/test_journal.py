"""What services write is kept in whole lines, within bounds, and what matters is told."""

import json
from contextlib import closing

import pytest

from vqm_local.journal import LONGEST_LINE, Journal, Lines, LogFile


@pytest.fixture
def journal(tmp_path):
    with closing(Journal(tmp_path / "service.log")) as journal:
        yield journal


def test_lines_come_whole_however_the_bytes_are_cut():
    lines = Lines()

    assert lines.feed(b"one\ntw") == ["one"]
    assert lines.feed("o\npi\u00f9\r\n".encode()) == ["two", "pi\u00f9"]
    assert lines.feed(b"rest") == []
    assert lines.flush() == ["rest"]
    assert lines.flush() == []


def test_a_line_without_end_is_bounded():
    lines = Lines()
    for _ in range(5):
        lines.feed(b"x" * LONGEST_LINE)

    assert lines.feed(b"\n") == ["x" * LONGEST_LINE]


def test_bytes_that_are_no_text_do_no_harm():
    assert Lines().feed(b"\xff\xfe\n") == ["\ufffd\ufffd"]


def test_a_full_file_makes_room_and_the_oldest_goes(tmp_path):
    log = LogFile(tmp_path / "service.log", max_bytes=10)
    for number in range(6):
        log.write(f"line number {number}")
    log.close()

    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "service.log",
        "service.log.1",
        "service.log.2",
        "service.log.3",
    ]
    assert (tmp_path / "service.log").read_text() == "line number 5\n"
    assert (tmp_path / "service.log.3").read_text() == "line number 2\n"


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("2026-01-01T10:00:00.123456Z [info     ] all well  warning=no", False),
        ("2026-01-01T10:00:00.123456Z [warning  ] look here", True),
        ("2026-01-01T10:00:00.123456Z [error    ] broken", True),
        (json.dumps({"event": "look here", "level": "warning"}), True),
        (json.dumps({"event": "level: warning", "level": "info"}), False),
        ("Traceback (most recent call last):", True),
        ("something that a library prints", False),
    ],
)
def test_warnings_errors_and_crashes_are_told(journal, line, told):
    assert journal.add(line) is told


def test_what_follows_a_warning_belongs_to_it(journal):
    journal.add("2026-01-01T10:00:00Z [error    ] stopped by a bug")

    assert journal.add("Traceback (most recent call last):")
    assert journal.add('  File "x.py", line 1')
    assert not journal.add("2026-01-01T10:00:01Z [info     ] starting")


def test_a_full_disk_does_not_stop_the_reading(tmp_path):
    (tmp_path / "service.log").symlink_to("/dev/full")

    with closing(Journal(tmp_path / "service.log")) as journal:
        assert journal.add("2026-01-01T10:00:00Z [warning  ] the disk is full")
