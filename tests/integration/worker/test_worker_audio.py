"""A worker publishes what is heard, at once or by way of the decoding process, and lives on when that one dies."""

import sys

import pytest

from rtp_analyzer.audio.decoder import Decoder, is_installed
from rtp_analyzer.sounds.prompts import packets_of
from shared.events import AudioHealth, PayloadFormat, SlicesMeasured, StreamEnded
from shared.testing import media_assigned
from tests.integration.rtp_phone import voice
from tests.integration.worker.working import NAME, leased, loaded, release, running_worker
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

G729 = PayloadFormat(payload_type=18, encoding="G729", clock_rate=8000)


def audio(metrics, direction: str = "caller") -> AudioHealth | None:
    """The newest that a slice says of a stream."""
    parts = [part for event in metrics.of(SlicesMeasured) for part in event.slices if part.direction == direction]
    return parts[-1].audio if parts else None


async def test_the_sound_is_in_the_slices_and_in_the_report(workers, call, metrics):
    media, alice, bob = call
    alice.send(voice(100, ssrc=1, payload=bytes([0xD5]) * 160))
    bob.send(voice(100, ssrc=2))
    await wait_until(lambda: audio(metrics) and audio(metrics, "callee"), "both are heard")

    await workers.release(NAME, release(media))

    await wait_until(lambda: len(metrics.of(StreamEnded)) == 2, "both streams have ended")
    reports = {event.report.direction: event.report.audio for event in metrics.of(StreamEnded)}
    assert (reports["caller"].level_dbov, reports["caller"].silence_percent) == (-127, 100)
    assert reports["callee"].level_dbov > -30


async def call_in_g729(workers, phone):
    alice, bob = (phone(port) for port in await leased(workers, 2))
    legs = alice.leg("caller", formats=(G729,)), bob.leg("callee", formats=(G729,))
    media = media_assigned(legs=legs)
    await workers.assign(NAME, media)
    await loaded(workers, 1)
    return alice


def spoken():
    rows = packets_of("en")["G729"][:200]
    return [
        packet
        for number, row in enumerate(rows)
        for packet in voice(1, ssrc=1, first=1000 + number, payload_type=18, payload=bytes(row))
    ]


@pytest.mark.skipif(not is_installed(), reason="PyAV is not installed: the extra `audio`")
async def test_g729_is_heard_through_the_decoding_process(redis, ports, workers, metrics, phone):
    decoder = Decoder(budget_s=1.0)
    async with running_worker(redis, ports, decoder):
        alice = await call_in_g729(workers, phone)
        alice.send(spoken())

        def heard():
            found = audio(metrics)
            return found if found is not None and found.source else None

        told = await wait_until(heard, "what was said is heard")
    await decoder.close()
    assert told.source == "decoded"
    assert -40 < told.active_level_dbov < -15


async def test_a_worker_lives_on_when_its_decoder_dies(redis, ports, workers, metrics, phone):
    decoder = Decoder(1.0, (sys.executable, "-c", "raise SystemExit"))
    async with running_worker(redis, ports, decoder) as worker:
        alice = await call_in_g729(workers, phone)
        alice.send(spoken())

        await wait_until(lambda: worker.counters()["decoder_failed"], "the decoder has failed")

        alice.send(voice(10, ssrc=1, first=1200, payload_type=18, payload=bytes(20)))
        await wait_until(lambda: metrics.received("caller") == 210, "slices go on")
        assert audio(metrics) == AudioHealth(unknown="not_judged")
    await decoder.close()
