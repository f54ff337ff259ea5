"""`python -m tests.bench.capture`: how long a capture of a million packets takes us, and how long it takes tshark."""

import argparse
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from rtp_analyzer.taps.capture.analysis import analyse
from tests.bench.machine import description, require
from tests.capture_files import START_NS, ethernet, udp

CALLS = 100
PTIME_NS = 20_000_000
LOSS = 0.01
BAR = 50
_RECORD_BYTES = 16


def main() -> None:
    arguments = argparse.ArgumentParser(prog="python -m tests.bench.capture")
    arguments.add_argument("--packets", type=int, default=1_000_000)
    arguments.add_argument("--rounds", type=int, default=5)
    given = arguments.parse_args()
    require({"tshark": "tshark"})
    print(description(), flush=True)
    with tempfile.TemporaryDirectory(prefix="vqm-") as folder:
        capture = Path(folder) / "calls.pcap"
        write_calls(capture, given.packets)
        analyse(capture)  # the file is in memory and the code is compiled before anything is measured
        ours, command, theirs = [], [], []
        for _ in range(given.rounds):
            ours.append(_seconds(lambda: analyse(capture)))
            command.append(_seconds(lambda: _run(sys.executable, "-m", "rtp_analyzer", "capture", str(capture))))
            theirs.append(
                _seconds(
                    lambda: _run(
                        "tshark", "-q", "-z", "rtp,streams", "--enable-heuristic", "rtp_udp", "-r", str(capture)
                    )
                )
            )
    _print(given.packets, *map(statistics.median, (ours, command, theirs)))


def write_calls(capture: Path, packets: int) -> None:
    """G.711 calls side by side, both directions, 20 ms packets of which 1 % are missing."""
    streams = 2 * CALLS
    frame = ethernet(udp(struct.pack("!BBHII", 0x80, 8, 0, 0, 0) + b"\xd5" * 160))
    records = np.zeros((packets, _RECORD_BYTES + len(frame)), np.uint8)
    records[:, _RECORD_BYTES:] = np.frombuffer(frame, np.uint8)
    number = np.arange(packets)
    stream, step = number % streams, number // streams
    arrival_us = (START_NS + step * PTIME_NS + stream * (PTIME_NS // streams)) // 1000
    for at, value in enumerate((arrival_us // 1_000_000, arrival_us % 1_000_000)):
        records[:, 4 * at : 4 * at + 4] = value.astype("<u4").view(np.uint8).reshape(-1, 4)
    records[:, 8:16] = np.frombuffer(struct.pack("<II", len(frame), len(frame)), np.uint8)
    transport = _RECORD_BYTES + 14 + 20
    ports = np.stack([10_000 + 2 * stream, 30_000 + 2 * stream], axis=1).astype(">u2")
    records[:, transport : transport + 4] = ports.view(np.uint8)
    rtp = transport + 8
    records[:, rtp + 2 : rtp + 4] = (step & 0xFFFF).astype(">u2").view(np.uint8).reshape(-1, 2)
    records[:, rtp + 4 : rtp + 8] = (step * 160).astype(">u4").view(np.uint8).reshape(-1, 4)
    records[:, rtp + 8 : rtp + 12] = (0x1000 + stream).astype(">u4").view(np.uint8).reshape(-1, 4)
    arrived = np.random.default_rng(1).random(packets) >= LOSS
    header = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262_144, 1)
    capture.write_bytes(header + records[arrived].tobytes())


def _seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _run(*command: str) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _print(packets: int, ours: float, command: float, theirs: float) -> None:
    print(f"{packets} packets, {2 * CALLS} streams, wall time")
    print(f"  tshark -q -z rtp,streams           {theirs:8.2f} s")
    for name, seconds in (("analyse(), without the start", ours), ("python -m rtp_analyzer capture", command)):
        ratio = theirs / seconds
        print(f"  {name:34} {seconds:8.2f} s   {ratio:5.1f} x faster   >= {BAR} {'met' if ratio >= BAR else 'MISSED'}")


if __name__ == "__main__":
    main()
