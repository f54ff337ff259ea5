"""The decoding process from outside: it answers, and when it dies or lies no more than a batch is lost."""

import sys
from collections.abc import AsyncIterator

import numpy as np
import pytest

from rtp_analyzer.audio.decoder import COMMAND, Decoder, DecoderFailed, is_installed
from rtp_analyzer.audio.state import CODECS, SAMPLE
from rtp_analyzer.sounds.prompts import packets_of

pytestmark = pytest.mark.integration

needs_pyav = pytest.mark.skipif(not is_installed(), reason="PyAV is not installed: the extra `audio`")

DIES = (sys.executable, "-c", "import sys; sys.stdin.buffer.read(4)")
LIES = (
    sys.executable,
    "-c",
    "import struct, sys\n"
    "sys.stdin.buffer.read(4)\n"
    "sys.stdout.buffer.write(struct.pack('=III?', 1, 1, 0, True) + struct.pack('=iiqq', 99, 8000, 0, 1) + b'xx')\n"
    "sys.stdout.flush()\n"
    "sys.stdin.buffer.read()",
)


def spoken(count: int = 50) -> np.ndarray:
    rows = packets_of("en")["G729"][:count]
    batch = np.zeros(count, SAMPLE)
    batch["codec"], batch["bytes"], batch["sequence"] = CODECS["G729"], 20, np.arange(count)
    batch["payload"][:, :20] = rows
    return batch


@pytest.fixture
async def decoder() -> AsyncIterator[Decoder]:
    running = Decoder(budget_s=5)
    yield running
    await running.close()


@needs_pyav
async def test_a_batch_is_decoded_and_the_next_too(decoder):
    batches = [spoken(), spoken(0), spoken(30)]

    answers = [await decoder.decode(batch) for batch in batches]

    assert [len(answer.pieces) for answer in answers] == [47, 0, 27]
    assert [len(answer.pcm) for answer in answers] == [47 * 160, 0, 27 * 160]
    assert all(answer.batch is batch for answer, batch in zip(answers, batches, strict=True))


@needs_pyav
async def test_a_decoder_that_died_is_started_again(decoder):
    await decoder.decode(spoken())
    decoder._process.kill()
    await decoder._process.wait()

    with pytest.raises(DecoderFailed):
        await decoder.decode(spoken())

    assert len((await decoder.decode(spoken())).pieces) == 47


@pytest.mark.parametrize("command", [DIES, LIES, ("/nonexistent/decoder",)], ids=["dies", "lies", "is not there"])
async def test_a_decoder_that_is_none_fails_and_is_gone(command):
    decoder = Decoder(1.0, command)

    with pytest.raises(DecoderFailed):
        await decoder.decode(spoken())

    assert decoder._process is None


def test_the_process_is_a_module_of_ours():
    assert (sys.executable, "-m", "rtp_analyzer.audio.decoding") == COMMAND
