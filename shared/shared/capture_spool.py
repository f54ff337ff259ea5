"""The folder through which the api hands captures to the process that analyses them, and gets their reports back.

A capture is `<id>.arriving` while it is uploaded, then `<id>.capture`. Beside it the worker writes `<id>.progress` (the
share that it has read, 0 to 1), and in the end `<id>.report` (a CaptureReport as JSON) or `<id>.error` (one sentence).
Whoever takes `<id>.capture` away cancels the analysis.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

OUTPUTS: Final = ("progress", "unfinished", "report", "error")
REPORT_MAX_BYTES: Final = 32 << 20  # about ten thousand streams


@dataclass(frozen=True, slots=True)
class CaptureSpool:
    """The paths in the folder."""

    folder: Path

    @classmethod
    def under(cls, data_dir: Path) -> "CaptureSpool":
        return cls(data_dir / "captures")

    def arriving(self, capture_id: str) -> Path:
        return self._path(capture_id, "arriving")

    def capture(self, capture_id: str) -> Path:
        return self._path(capture_id, "capture")

    def progress(self, capture_id: str) -> Path:
        return self._path(capture_id, "progress")

    def unfinished(self, capture_id: str) -> Path:
        """The report while it is written."""
        return self._path(capture_id, "unfinished")

    def report(self, capture_id: str) -> Path:
        return self._path(capture_id, "report")

    def error(self, capture_id: str) -> Path:
        return self._path(capture_id, "error")

    def kept(self, capture_id: str) -> Path:
        """A capture that stays after its analysis."""
        return self._path(capture_id, "kept")

    def ids(self, kind: str) -> Iterator[str]:
        """The captures that have a file of this kind, the one that was written first in front."""
        found = []
        for path in self.folder.glob(f"*.{kind}"):
            try:
                found.append((path.stat().st_mtime_ns, path.stem))
            except FileNotFoundError:
                continue  # taken away just now
        return (capture_id for _, capture_id in sorted(found))

    def drop_outputs(self, capture_id: str) -> None:
        """Takes away what the worker wrote."""
        for kind in OUTPUTS:
            self._path(capture_id, kind).unlink(missing_ok=True)

    def _path(self, capture_id: str, kind: str) -> Path:
        return self.folder / f"{capture_id}.{kind}"


def write_whole(path: Path, text: str) -> None:
    """Writes a small file that a reader sees completely or not at all."""
    new = path.with_name(f"{path.name}.new")
    new.write_text(text)
    new.replace(path)
