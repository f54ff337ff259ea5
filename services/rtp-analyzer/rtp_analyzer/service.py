"""Wires a relay worker together and runs it. Importing this loads the compiled packet loop."""

import asyncio
import resource
import time

from rtp_analyzer.audio.decoder import Decoder, is_installed
from rtp_analyzer.settings import RtpAnalyzerSettings
from rtp_analyzer.taps.relay import Relay
from rtp_analyzer.worker import Worker, WorkerProfile
from shared.broker import Bus, Outbox, State, Workers, connect
from shared.health import beat

SPARE_DESCRIPTORS = 256  # for Redis, logs and what the interpreter opens
DESCRIPTORS_A_LEG = 2
LEGS_A_CALL = 2


def raise_descriptor_limit(wanted: int) -> int:
    """Lets this process have `wanted` open files, or as many as it may; returns how many it may have now."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return soft


class _Drained(Exception):
    """The worker was told to leave, and its calls have ended."""


async def serve(settings: RtpAnalyzerSettings, leaving: asyncio.Event) -> None:
    """Runs until cancelled, or until the running calls have ended once `leaving` is set."""
    ports = settings.rtp_ports
    descriptors = raise_descriptor_limit(DESCRIPTORS_A_LEG * len(ports) + SPARE_DESCRIPTORS)
    legs = min(len(ports), (descriptors - SPARE_DESCRIPTORS) // DESCRIPTORS_A_LEG)
    profile = WorkerProfile(
        id=settings.worker_id,
        address=settings.advertised_address(),
        ports=ports,
        capacity=max(1, legs // LEGS_A_CALL),
        one_way_delay_ms=settings.one_way_delay_ms,
    )
    redis = connect(settings.redis_url)
    bus, state = Bus(redis), State(redis)
    outbox = Outbox(bus)
    decoder = Decoder(settings.audio_decoding_ms / 1000) if settings.audio_decoding_ms and is_installed() else None
    relay = Relay(settings.bind, ports, descriptors, settings.dejitter_buffer, decodes=decoder is not None)
    now = time.time  # noqa: TID251  # the composition root hands out the clock
    worker = Worker(profile, relay, bus, Workers(redis), outbox, now, time.monotonic, decoder)
    relay.start()
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(outbox.run(), name="outbox")
            tasks.create_task(beat(state, "rtp-analyzer", profile.id, worker.counters, now), name="heartbeat")
            tasks.create_task(worker.run(), name="worker")
            tasks.create_task(_leave(worker, leaving, settings.drain_s), name="drain")
    except* _Drained:
        pass
    finally:
        await worker.withdraw()
        await outbox.close()
        relay.stop()
        if decoder is not None:
            await decoder.close()
        await redis.aclose()


async def _leave(worker: Worker, leaving: asyncio.Event, drain_s: float) -> None:
    await leaving.wait()
    await worker.drain(drain_s)
    raise _Drained
