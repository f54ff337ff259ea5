"""The ear of a relay: takes the copies that the packet loop made, and keeps what was heard of each stream."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from rtp_analyzer.audio.health import Health, health_of
from rtp_analyzer.audio.levels import pause_hearing
from rtp_analyzer.audio.listening import TABLES, hear_decoded, hear_samples
from rtp_analyzer.audio.state import CODECS, FIRST_DECODED, HEARD, NOT_HEARD, SAMPLE, Decoded
from rtp_analyzer.taps.legs import AUDIO_NOT_SAMPLED, STREAMS_A_LEG
from rtp_analyzer.taps.memory import LoopMemory
from rtp_analyzer.taps.sampling import LONGEST_PERIOD, SHORTEST_PERIOD
from shared.events import MediaLeg
from shared.events.metrics import AudioUnknown

Samples = NDArray[np.void]  # of dtype SAMPLE

_NONE: Final = np.zeros(0, SAMPLE)
_NOTHING: Final = np.zeros((), HEARD)


class Listener:
    """`decodes`: somebody takes what needs a decoder (`waiting`) and brings it back (`book`)."""

    def __init__(self, memory: LoopMemory, decodes: bool) -> None:
        self._memory = memory
        self._decodes = decodes
        self._waiting: list[Samples] = []

    def choose(self, index: int, leg: MediaLeg, held: bool) -> None:
        """Decides which payload types of a leg are heard. `held`: one side may not speak. Its FORMATs are there."""
        codecs = self._memory.formats[index]["codec"]
        if leg.encrypted or held:
            codecs[:] = NOT_HEARD
        if not self._decodes:
            codecs[codecs >= FIRST_DECODED] = NOT_HEARD

    def take(self) -> Samples:
        """The copies made since the last time, valid until the next. The packet loop must stand still."""
        loop = self._memory.loop
        taken = self._memory.samples[int(loop["samples_side"]), : int(loop["samples"])]
        loop["samples_side"] = 1 - loop["samples_side"]
        loop["samples"] = 0
        return taken

    def hear(self, taken: Samples) -> None:
        """Books what needs no decoder, and sets the rest aside: never more than fits on one side."""
        memory = self._memory
        others = np.zeros(len(taken), np.int64)
        count = hear_samples(taken, TABLES, memory.streams, memory.hearings, others)
        room = memory.samples.shape[1] - sum(map(len, self._waiting))
        kept = others[: min(count, room)]
        memory.counters[AUDIO_NOT_SAMPLED] += count - len(kept)
        if len(kept):
            self._waiting.append(taken[kept])

    def waiting(self) -> Samples:
        """What needs a decoder, in the order of its arrival; it is forgotten here."""
        found = np.concatenate(self._waiting) if self._waiting else _NONE
        self._waiting.clear()
        return found

    def book(self, decoded: Decoded) -> None:
        """Takes back what was decoded. Where there was no time for all, streams are heard more rarely from now on."""
        memory = self._memory
        hear_decoded(decoded.batch, decoded.pieces, decoded.pcm, memory.streams, memory.hearings)
        period = int(memory.loop["run_period"])
        if decoded.left:
            memory.loop["run_period"] = min(2 * period, LONGEST_PERIOD)
        elif decoded.idle:
            memory.loop["run_period"] = max(period // 2, SHORTEST_PERIOD)

    def cut(self, cuts: NDArray[np.void]) -> NDArray[np.void]:
        """The HEARINGs of the streams of these CUTs up to now. Their next slices begin, or they are forgotten."""
        hearings, slots = self._memory.hearings, cuts["slot"]
        heard: NDArray[np.void] = hearings[slots]
        hearings["slice"][slots] = _NOTHING
        hearings["open"][slots[cuts["ended"] != 0]] = 0
        return heard

    def health(self, heard: np.void, cut: np.void, leg: MediaLeg, encoding: str | None) -> Health:
        """What a HEARING says of the stream of the SLICE `cut`."""
        known = heard if heard["open"] and heard["ssrc"] == cut["ssrc"] else None
        counts = int(cut["interval_received"]), int(cut["total_received"])
        return health_of(known, *counts, self._why_unknown(leg, encoding))

    def _why_unknown(self, leg: MediaLeg, encoding: str | None) -> AudioUnknown:
        if leg.encrypted:
            return "encrypted"
        codec = CODECS.get(encoding or "", NOT_HEARD)
        return "not_judged" if codec != NOT_HEARD and (self._decodes or codec < FIRST_DECODED) else "no_decoder"

    def pause(self, index: int) -> None:
        """The silence of a leg so far has ended: its party is asked to be silent, or comes from elsewhere."""
        first = index * STREAMS_A_LEG
        for slot in range(first, first + STREAMS_A_LEG):
            pause_hearing(self._memory.hearings[slot])
