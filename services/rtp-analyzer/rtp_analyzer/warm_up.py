"""Compiles the packet loop ahead of the first start, so that starts take seconds; the result is cached on disk."""

import importlib
import sys
from collections.abc import Callable

# In the order in which they need each other; importing one compiles it.
MODULES = (
    "rtp_analyzer.packets.rtp",
    "rtp_analyzer.measure.sequence",
    "rtp_analyzer.measure.timing",
    "rtp_analyzer.measure.stream",
    "rtp_analyzer.audio.listening",
    "rtp_analyzer.measure.numbers",
    "rtp_analyzer.taps.sources",
    "rtp_analyzer.taps.datagrams",
    "rtp_analyzer.taps.delay",
    "rtp_analyzer.taps.forward",
    "rtp_analyzer.taps.rtcp",
    "rtp_analyzer.taps.sound",
    "rtp_analyzer.taps.impairment",
    "rtp_analyzer.taps.loop",
    "rtp_analyzer.taps.cuts",
    "rtp_analyzer.taps.capture.keys",
    "rtp_analyzer.taps.capture.take",
    "rtp_analyzer.taps.capture.frames",
    "rtp_analyzer.taps.capture.scan",
)


def warm_up(tell: Callable[[str], object] = sys.stdout.write) -> None:
    """Imports all compiled modules, with a line of progress for each."""
    for number, module in enumerate(MODULES, start=1):
        tell(f"compiling {number}/{len(MODULES)}: {module}\n")
        sys.stdout.flush()
        importlib.import_module(module)
    tell("compiled\n")
