"""`python -m rtp_analyzer capture`: a capture file as a table, or as one JSON document."""

import argparse
import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Final

from rich.console import Console

from rtp_analyzer.taps.capture.analysis import analyse, analyse_file
from rtp_analyzer.taps.capture.errors import CaptureError
from rtp_analyzer.taps.capture.outcome import EXIT_UNREADABLE
from rtp_analyzer.taps.capture.progress import Tell, bar, lines
from rtp_analyzer.taps.capture.table import show, warnings
from shared.captures import CaptureReport

STANDARD_INPUT: Final = "-"
_WIDE: Final = 240  # where the output goes to a file or a pipe


def run(arguments: argparse.Namespace) -> int:
    """Analyses a capture and prints it; returns the exit code."""
    complaints = Console(stderr=True)
    try:
        with _progress(arguments, complaints) as tell:
            report = _analyse(arguments.file, tell)
    except CaptureError as error:
        sys.stderr.write(f"rtp_analyzer: {error}\n")
        return EXIT_UNREADABLE
    if arguments.json:
        sys.stdout.write(report.model_dump_json(indent=2) + "\n")
    else:
        show(report, Console(width=None if sys.stdout.isatty() else _WIDE, highlight=False))
    for warning in warnings(report):
        sys.stderr.write(f"rtp_analyzer: {report.name}: {warning}\n")
    return EXIT_UNREADABLE if report.damage is not None else 0


def _analyse(file: str, tell: Tell | None) -> CaptureReport:
    if file == STANDARD_INPUT:
        return analyse_file(sys.stdin.buffer, "standard input", tell)
    return analyse(Path(file), tell)


def _progress(arguments: argparse.Namespace, console: Console) -> AbstractContextManager[Tell | None]:
    """A bar on a terminal, lines where they are asked for, else nothing."""
    path = Path(arguments.file)
    if not path.is_file():
        return nullcontext()
    if arguments.tell_progress:
        return nullcontext(lines(path))
    return bar(path, console) if console.is_terminal and not arguments.no_progress else nullcontext()
