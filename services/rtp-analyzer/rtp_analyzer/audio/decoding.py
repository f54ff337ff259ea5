"""`python -m rtp_analyzer.audio.decoding <seconds>`: the process that decodes G.722, G.729 and Opus, with PyAV.

It is a process of its own because codec libraries are large, and what they read comes from anybody: when one of them
fails, no call is lost. It reads batches on standard input and answers each on standard output, with at most the given
time for one batch; it ends with its parent.
"""

import os
import random
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from typing import BinaryIO, Final, cast

import av
import numpy as np

from rtp_analyzer.audio.runs import Outcome, Sound, decode_runs, runs_of
from rtp_analyzer.audio.state import G722, G729, OPUS, SAMPLE
from rtp_analyzer.audio.wire import ANSWER, BATCH

NICENESS: Final = 10  # calls come first
_DECODERS: Final = {G722: ("g722", 16_000), G729: ("g729", 8_000), OPUS: ("libopus", 48_000)}


def decode(codec: int, payloads: Sequence[bytes]) -> Iterator[Sound | None]:
    """The sound of consecutive packets, mono. What follows a packet that cannot be decoded may still be."""
    name, rate = _DECODERS[codec]
    context = cast(av.AudioCodecContext, av.CodecContext.create(name, "r"))
    context.sample_rate = rate
    context.layout = "mono"
    for payload in payloads:
        try:
            frames = context.decode(av.Packet(payload))
        except av.FFmpegError:
            yield None
            continue
        parts = [frame.to_ndarray().reshape(-1) for frame in frames]
        yield (np.concatenate(parts), rate) if parts else None


def serve(source: BinaryIO, sink: BinaryIO, budget_s: float, draw: random.Random) -> None:
    """Answers batches until the source ends. Runs are decoded in any order: no stream is always the one left."""
    while len(head := source.read(BATCH.size)) == BATCH.size:
        (count,) = BATCH.unpack(head)
        batch = np.frombuffer(source.read(count * SAMPLE.itemsize), SAMPLE)
        runs = runs_of(batch)
        draw.shuffle(runs)
        started = time.monotonic()
        outcome = decode_runs(batch, runs, decode, time.monotonic, budget_s)
        _answer(sink, outcome, idle=time.monotonic() - started < budget_s / 3)


def _answer(sink: BinaryIO, outcome: Outcome, idle: bool) -> None:
    pieces, pcm = outcome.arrays()
    sink.write(ANSWER.pack(len(pieces), len(pcm), outcome.left, idle))
    sink.write(pieces.tobytes())
    sink.write(pcm.tobytes())
    sink.flush()


if __name__ == "__main__":
    os.nice(NICENESS)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when it ends
    av.logging.set_level(None)
    serve(sys.stdin.buffer, sys.stdout.buffer, float(sys.argv[1]), random.Random())
