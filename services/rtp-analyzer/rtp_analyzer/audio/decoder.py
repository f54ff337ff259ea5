"""The decoding process as the worker sees it: started when it is needed, started again when it died."""

import asyncio
import importlib.util
import sys
from contextlib import suppress
from typing import Final

import numpy as np
from numpy.typing import NDArray

from rtp_analyzer.audio.state import PIECE, Decoded
from rtp_analyzer.audio.wire import ANSWER, BATCH

COMMAND: Final = (sys.executable, "-m", "rtp_analyzer.audio.decoding")
ANSWERS_WITHIN_S: Final = 10.0  # the first time it has to load its libraries


class DecoderFailed(Exception):
    """The decoding process died, or does not answer; the next batch starts another one."""


def is_installed() -> bool:
    """Whether there is a library that decodes: the extra `audio` of this distribution."""
    return importlib.util.find_spec("av") is not None


class Decoder:
    """One decoding process. `budget_s`: of its time, for one batch."""

    def __init__(self, budget_s: float, command: tuple[str, ...] = COMMAND) -> None:
        self._command = (*command, str(budget_s))
        self._process: asyncio.subprocess.Process | None = None

    async def decode(self, batch: NDArray[np.void]) -> Decoded:
        """What the process makes of a batch of SAMPLEs.

        Raises:
            DecoderFailed: there is no answer; what was in the batch is lost.
        """
        try:
            async with asyncio.timeout(ANSWERS_WITHIN_S):
                return await self._exchange(batch)
        except (OSError, TimeoutError, asyncio.IncompleteReadError, DecoderFailed) as error:
            await self.close()
            raise DecoderFailed(repr(error)) from error

    async def close(self) -> None:
        """Ends the process."""
        process, self._process = self._process, None
        if process is not None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def _exchange(self, batch: NDArray[np.void]) -> Decoded:
        if self._process is None:
            pipe = asyncio.subprocess.PIPE
            self._process = await asyncio.create_subprocess_exec(*self._command, stdin=pipe, stdout=pipe)
        source, sink = self._process.stdout, self._process.stdin
        if source is None or sink is None:
            raise DecoderFailed("no pipes")
        sink.write(BATCH.pack(len(batch)) + batch.tobytes())
        await sink.drain()
        pieces, samples, left, idle = ANSWER.unpack(await source.readexactly(ANSWER.size))
        # Compiled code takes writable arrays.
        found = np.frombuffer(bytearray(await source.readexactly(pieces * PIECE.itemsize)), PIECE)
        pcm = np.frombuffer(bytearray(await source.readexactly(samples * 2)), np.int16)
        if not _fits(found, len(batch), samples):
            raise DecoderFailed("an answer to something else")
        return Decoded(batch, found, pcm, left, idle)


def _fits(pieces: NDArray[np.void], packets: int, samples: int) -> bool:
    """Whether the PIECEs speak of what is there. Compiled code does not look, and a codec library may be subverted."""
    index, first, count = pieces["index"], pieces["first"], pieces["samples"]
    known = (index >= 0) & (index < packets) & (pieces["rate"] > 0)
    inside = (first >= 0) & (count > 0) & (first <= samples) & (count <= samples - first)
    return bool(np.all(known & inside))
