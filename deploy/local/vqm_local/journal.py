"""What a service writes: kept in a file of bounded size, its last lines remembered, its warnings told."""

import os
import re
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import IO

MAX_BYTES = 10_000_000
OLD_FILES = 3
REMEMBERED_LINES = 15
LONGEST_LINE = 16_384

# Both formats of shared.logs: `2026-01-01T00:00:00Z [warning  ] text` and `{"event": …, "level": "warning", …}`.
_RECORD = re.compile(r"^(?:\S+Z \[(?P<console>\w+) *\] |\{.*\"level\": ?\"(?P<json>\w+)\")")
_WORTH_TELLING = frozenset({"warning", "error", "critical"})
_CRASH = ("Traceback (most recent call last)", "Fatal Python error")


class LogFile:
    """Appends lines to a file that only we may read; a full one becomes `.1`, and so on up to OLD_FILES."""

    def __init__(self, path: Path, max_bytes: int = MAX_BYTES) -> None:
        self._path = path
        self._max_bytes = max_bytes
        self._file = self._open()

    def write(self, line: str) -> None:
        if self._file.tell() > self._max_bytes:
            self._rotate()
        self._file.write(line.encode() + b"\n")

    def close(self) -> None:
        self._file.close()

    def _open(self) -> IO[bytes]:
        # The first password is in the api's log, hence the mode.
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        return os.fdopen(descriptor, "ab", buffering=0)

    def _rotate(self) -> None:
        self._file.close()
        for number in range(OLD_FILES - 1, 0, -1):
            older = self._numbered(number)
            if older.exists():
                older.replace(self._numbered(number + 1))
        self._path.replace(self._numbered(1))
        self._file = self._open()

    def _numbered(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")


class Lines:
    """Bytes in, whole lines out; what is longer than LONGEST_LINE is cut."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[str]:
        *whole, rest = (self._rest + data).split(b"\n")
        self._rest = rest[:LONGEST_LINE]
        return [_text(line) for line in whole]

    def flush(self) -> list[str]:
        rest, self._rest = self._rest, b""
        return [_text(rest)] if rest else []


class Journal:
    """The output of one service, over all its restarts."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.last_lines: deque[str] = deque(maxlen=REMEMBERED_LINES)
        self._file = LogFile(path)
        self._telling = False

    def add(self, line: str) -> bool:
        """Keeps the line; True when it is a warning or worse, or belongs to one, and should be told at once."""
        with suppress(OSError):  # a full disk costs the log, not the service that would block on a pipe nobody reads
            self._file.write(line)
        self.last_lines.append(line)
        record = _RECORD.match(line)
        if record:
            self._telling = (record["console"] or record["json"]) in _WORTH_TELLING
        elif line.startswith(_CRASH):
            self._telling = True
        return self._telling

    def close(self) -> None:
        self._file.close()


def _text(line: bytes) -> str:
    return line[:LONGEST_LINE].decode(errors="replace").rstrip("\r")
