"""How far the analysis of a capture file is: a bar for people, lines for programs."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn

from rtp_analyzer.taps.capture.outcome import PROGRESS
from rtp_analyzer.taps.capture.source import is_zipped

Tell = Callable[[int], object]  # is told the bytes that were read so far


@contextmanager
def bar(path: Path, console: Console) -> Iterator[Tell]:
    """A bar on a terminal."""
    columns = (BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True) as shown:
        task = shown.add_task(path.name, total=path.stat().st_size)
        yield lambda done: shown.update(task, completed=done)


def lines(path: Path) -> Tell | None:
    """Writes the share that was read to standard error, each hundredth. None: what is zipped has no known length."""
    with path.open("rb") as file:
        zipped = is_zipped(file)
    size = path.stat().st_size
    if zipped or not size:
        return None
    told = 0

    def tell(done: int) -> None:
        nonlocal told
        hundredths = 100 * done // size
        if hundredths > told:
            told = hundredths
            sys.stderr.write(f"{PROGRESS}{hundredths / 100:.2f}\n")
            sys.stderr.flush()

    return tell
