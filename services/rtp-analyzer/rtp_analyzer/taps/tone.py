"""The 1004 Hz test tone (998): G.711 samples computed once, and the compiled sender of its packets."""

from typing import Final

import numba
import numpy as np
from numpy.typing import NDArray

from rtp_analyzer.compiled import compiled
from rtp_analyzer.taps.datagrams import BYTES, COUNTER_ARRAY, LOOP_TYPE, send
from rtp_analyzer.taps.legs import TONE_PACKET_SAMPLES, TONE_SAMPLES, TONES_SENT
from rtp_analyzer.taps.sources import LEG_TYPE

FREQUENCY_HZ: Final = 1004
SAMPLE_RATE: Final = 8000
LEVEL_DBM0: Final = -10.0  # the milliwatt itself, 0 dBm0, hurts in an earpiece
# G.711 tables 1 and 2: a sine of full scale has 3.14 dBm0 in A-law, 3.17 dBm0 in µ-law.
FULL_SCALE_DBM0: Final = {"PCMA": 3.14, "PCMU": 3.17}
TONE_ROWS: Final = {"PCMA": 0, "PCMU": 1}

PERIOD_NS: Final = 20_000_000
TONE_PACKET_BYTES: Final = 12 + TONE_PACKET_SAMPLES
_MAX_LATE: Final = 5  # packets sent at once after a standstill; beyond that the tone pauses
_MARKER: Final = 0x80
_VERSION: Final = 0x80


def _a_law(samples: NDArray[np.float64]) -> NDArray[np.uint8]:
    """G.711 A-law of samples within -1..1 (13 bits: 4096 steps of each sign), even bits inverted."""
    magnitude = np.minimum(np.abs(samples) * 4096, 4095).astype(np.int64)
    # Segments 1..7 double in width; segment 0 is as wide as the first.
    segment = np.maximum(np.floor(np.log2(np.maximum(magnitude, 1))).astype(np.int64) - 4, 0)
    shift = np.maximum(segment, 1)
    step = (magnitude >> shift) & 0x0F
    sign = np.where(samples >= 0, 0x80, 0)
    return np.asarray((sign | segment << 4 | step) ^ 0x55, np.uint8)


def _mu_law(samples: NDArray[np.float64]) -> NDArray[np.uint8]:
    """G.711 µ-law of samples within -1..1 (14 bits: 8159 steps of each sign), all bits inverted."""
    bias = 33
    magnitude = np.minimum(np.abs(samples) * 8159, 8158).astype(np.int64) + bias
    segment = np.floor(np.log2(magnitude)).astype(np.int64) - 5
    step = (magnitude >> (segment + 1)) & 0x0F
    sign = np.where(samples >= 0, 0, 0x80)
    return np.asarray(~(sign | segment << 4 | step) & 0xFF, np.uint8)


def tone_table() -> NDArray[np.uint8]:
    """By row (TONE_ROWS) the samples of the tone, with one packet more than its period, so that any start is whole."""
    phase = 2 * np.pi * FREQUENCY_HZ / SAMPLE_RATE * np.arange(TONE_SAMPLES + TONE_PACKET_SAMPLES)
    rows = []
    for encoding, encode in (("PCMA", _a_law), ("PCMU", _mu_law)):
        amplitude = 10 ** ((LEVEL_DBM0 - FULL_SCALE_DBM0[encoding]) / 20)
        rows.append(encode(amplitude * np.sin(phase)))
    return np.stack(rows)


@compiled(numba.void(LOOP_TYPE, BYTES, LEG_TYPE, numba.uint8[::1], COUNTER_ARRAY))
def _send_tone(
    loop: np.void, packet: NDArray[np.uint8], leg: np.void, samples: NDArray[np.uint8], counters: NDArray[np.int64]
) -> None:
    """The next 20 ms of the tone to the leg's party; its clock runs on also while nobody can be reached."""
    to = leg["source"] if leg["locked"] != 0 else leg["remote"]
    if to[0] != 0:
        packet[0] = _VERSION
        packet[1] = leg["tone_payload_type"] | (_MARKER if leg["tone_started"] == 0 else 0)
        for i in range(2):
            packet[2 + i] = (np.int64(leg["tone_sequence"]) >> (8 - 8 * i)) & 0xFF
        for i in range(4):
            packet[4 + i] = (np.int64(leg["tone_timestamp"]) >> (24 - 8 * i)) & 0xFF
            packet[8 + i] = (np.int64(leg["tone_ssrc"]) >> (24 - 8 * i)) & 0xFF
        for i in range(TONE_PACKET_SAMPLES):
            packet[12 + i] = samples[leg["tone_phase"] + i]
        loop["size"] = TONE_PACKET_BYTES
        if send(loop, packet, leg["rtp_fd"], to, counters):
            counters[TONES_SENT] += 1
        leg["tone_started"] = 1
        leg["tone_sequence"] += 1
    leg["tone_timestamp"] += TONE_PACKET_SAMPLES
    leg["tone_phase"] = (leg["tone_phase"] + TONE_PACKET_SAMPLES) % TONE_SAMPLES


@compiled(numba.void(LOOP_TYPE, BYTES, LEG_TYPE[::1], numba.int32[::1], numba.uint8[:, ::1], COUNTER_ARRAY))
def send_tones(
    loop: np.void,
    packet: NDArray[np.uint8],
    legs: NDArray[np.void],
    tone_legs: NDArray[np.int32],
    tones: NDArray[np.uint8],
    counters: NDArray[np.int64],
) -> None:
    """One packet to each tone leg for each expiry of the timer: a late loop catches up, the tone cannot drift."""
    due = np.int64(loop["expirations"])
    missed = due - _MAX_LATE if due > _MAX_LATE else 0
    for i in range(loop["tones"]):
        leg = legs[tone_legs[i]]
        leg["tone_timestamp"] += missed * TONE_PACKET_SAMPLES
        leg["tone_phase"] = (leg["tone_phase"] + missed * TONE_PACKET_SAMPLES) % TONE_SAMPLES
        for _ in range(due - missed):
            _send_tone(loop, packet, leg, tones[leg["tone"]], counters)
