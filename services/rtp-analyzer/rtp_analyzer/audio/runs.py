"""Which packets of a batch are decoded, and for how long. Pure: the decoder and the clock are arguments."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from rtp_analyzer.audio.state import PIECE

RUN_IN: Final = 3  # packets (60 ms) after which a decoder that knows nothing of the past sounds right

Sound = tuple[NDArray[np.int16], int]  # samples, and how many there are a second
Decode = Callable[[int, Sequence[bytes]], Iterator[Sound | None]]  # codec, payloads; None: not decodable


@dataclass(slots=True)
class Outcome:
    """`pieces`: PIECE records; `pcm`: their samples, one after another."""

    pieces: list[tuple[int, int, int, int]] = field(default_factory=list)
    pcm: list[NDArray[np.int16]] = field(default_factory=list)
    left: int = 0  # packets for which there was no time

    def arrays(self) -> tuple[NDArray[np.void], NDArray[np.int16]]:
        """The same as two arrays."""
        pcm = np.concatenate(self.pcm) if self.pcm else np.zeros(0, np.int16)
        return np.array(self.pieces, PIECE), pcm


def runs_of(batch: NDArray[np.void]) -> list[list[int]]:
    """The indices of packets (SAMPLE) that follow each other in a stream, for each run that is longer than RUN_IN."""
    order = np.lexsort((np.arange(len(batch)), batch["ssrc"], batch["slot"]))
    runs: list[list[int]] = []
    for index in order.tolist():
        if not runs or not _follows(batch[runs[-1][-1]], batch[index]):
            runs.append([])
        runs[-1].append(index)
    return [run for run in runs if len(run) > RUN_IN]


def _follows(one: np.void, other: np.void) -> bool:
    same = one["slot"] == other["slot"] and one["ssrc"] == other["ssrc"] and one["codec"] == other["codec"]
    return bool(same and (int(other["sequence"]) - int(one["sequence"])) & 0xFFFF == 1)


def decode_runs(
    batch: NDArray[np.void],
    runs: Sequence[list[int]],
    decode: Decode,
    clock: Callable[[], float],
    budget_s: float,
) -> Outcome:
    """Decodes run after run until `budget_s` is over. The beginning of each run only prepares the decoder."""
    outcome = Outcome()
    samples = 0
    ends = clock() + budget_s
    for run in runs:
        if clock() >= ends:
            outcome.left += len(run)
            continue
        payloads = [bytes(batch[index]["payload"][: batch[index]["bytes"]]) for index in run]
        sounds = decode(int(batch[run[0]]["codec"]), payloads)
        for number, (index, sound) in enumerate(zip(run, sounds, strict=True)):
            if sound is None or number < RUN_IN:
                continue
            pcm, rate = sound
            outcome.pieces.append((index, rate, samples, len(pcm)))
            outcome.pcm.append(pcm)
            samples += len(pcm)
    return outcome
