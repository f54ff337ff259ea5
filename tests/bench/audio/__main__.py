"""`python -m tests.bench.audio`: what listening costs, in microseconds of CPU."""

import time
from collections.abc import Callable

import numba
import numpy as np

from rtp_analyzer.audio.decoder import is_installed
from rtp_analyzer.audio.listening import TABLES, hear_samples
from rtp_analyzer.audio.runs import decode_runs, runs_of
from rtp_analyzer.audio.state import A_LAW, CODECS, HEARING, NOT_HEARD, SAMPLE
from rtp_analyzer.measure.formats import format_table, known_formats
from rtp_analyzer.measure.state import STREAM
from rtp_analyzer.packets.rtp import locate_payload
from rtp_analyzer.sounds.prompts import packets_of
from rtp_analyzer.taps import loop as packet_loop
from rtp_analyzer.taps.legs import COUNTERS, LEG, LOOP, PACKET_BYTES, SENDER, STREAMS_A_LEG
from rtp_analyzer.taps.sampling import SHORTEST_PERIOD

LEGS = 1000
PACKETS = 200  # of each stream
ROUNDS = 9


@numba.njit(nogil=True)
def _feed(loop, packet, legs, streams, senders, formats, samples, counters, first):
    """The path of a received packet between the system calls: checked, measured, copied when it is due."""
    for sequence in range(first, first + PACKETS):
        loop["arrival_ns"] += 20_000_000
        if sequence % 50 == 0:
            loop["samples"] = 0
        for i in range(2):
            packet[2 + i] = (sequence >> (8 - 8 * i)) & 0xFF
        for i in range(4):
            packet[4 + i] = (160 * sequence >> (24 - 8 * i)) & 0xFF
        for index in range(len(legs)):
            _, at, octets = locate_payload(packet, 172)
            packet_loop._measure(loop, packet, legs, streams, senders, formats, samples, index, at, octets, counters)


def _best(work: Callable[[int], object], times: int) -> float:
    """Microseconds of CPU of one of `times` things, in the best of the rounds."""
    best = float("inf")
    for number in range(ROUNDS):
        started = time.process_time()
        work(number)
        best = min(best, time.process_time() - started)
    return best / times * 1e6


def packet_path(codec: int) -> float:
    """A received packet, G.711 that is listened to or not."""
    loop, legs = np.zeros(1, LOOP)[0], np.zeros(LEGS, LEG)
    loop["run_period"] = SHORTEST_PERIOD
    legs["active"] = legs["locked"] = 1
    streams, senders = np.zeros(LEGS * STREAMS_A_LEG, STREAM), np.zeros(LEGS * STREAMS_A_LEG, SENDER)
    formats = np.repeat(format_table(known_formats(()))[None], LEGS, axis=0)
    formats["codec"] = codec
    samples, counters = np.zeros((2, 30 * LEGS), SAMPLE), np.zeros(len(COUNTERS), np.int64)
    packet = np.zeros(PACKET_BYTES, np.uint8)
    packet[:2] = 0x80, 8
    state = loop, packet, legs, streams, senders, formats, samples, counters
    _feed(*state, 0)
    return _best(lambda number: _feed(*state, (number + 1) * PACKETS), PACKETS * LEGS)


def g711() -> float:
    """A copied packet of 160 octets."""
    batch = np.zeros(20_000, SAMPLE)
    batch["slot"], batch["codec"], batch["bytes"] = np.arange(len(batch)) % LEGS, A_LAW, 160
    batch["payload"] = np.random.default_rng(1).integers(0, 256, batch["payload"].shape)
    streams, hearings, others = np.zeros(LEGS, STREAM), np.zeros(LEGS, HEARING), np.zeros(len(batch), np.int64)
    return _best(lambda _: hear_samples(batch, TABLES, streams, hearings, others), len(batch))


def decoded(encoding: str) -> float:
    """A packet of 20 ms in a run of ten, its share of the new decoder included."""
    from rtp_analyzer.audio.decoding import decode  # it needs PyAV

    rows = packets_of("en")[encoding][:1000]
    batch = np.zeros(len(rows), SAMPLE)
    batch["slot"], batch["sequence"] = np.arange(len(rows)) // 10, np.arange(len(rows))
    batch["codec"], batch["bytes"] = CODECS[encoding], rows.shape[1]
    batch["payload"][:, : rows.shape[1]] = rows
    return _best(lambda _: decode_runs(batch, runs_of(batch), decode, time.monotonic, 60), len(rows))


def main() -> None:
    """Prints a line for each."""
    print(f"packet path, not listened to   {packet_path(NOT_HEARD):8.3f} us a packet")
    print(f"packet path, listened to       {packet_path(A_LAW):8.3f} us a packet")
    print(f"G.711, beside the packet loop  {g711():8.3f} us a packet that is judged")
    for encoding in ("G722", "G729", "OPUS") if is_installed() else ():
        print(f"{encoding}, in the other process   {decoded(encoding):8.3f} us a packet that is decoded")


if __name__ == "__main__":
    main()
