"""The compiled sender of what we ourselves play to a party: the tone (998), the spoken result (996)."""

from typing import Final

import numba
import numpy as np
from numpy.typing import NDArray

from rtp_analyzer.compiled import compiled
from rtp_analyzer.taps.datagrams import BYTES, COUNTER_ARRAY, LOOP_TYPE, send
from rtp_analyzer.taps.legs import SOUNDS_SENT
from rtp_analyzer.taps.libc import memcpy, read
from rtp_analyzer.taps.sources import LEG_TYPE

PERIOD_NS: Final = 20_000_000
_HEADER_BYTES: Final = 12
MAX_SOUND_OCTETS: Final = 160  # of a packet: G.711 and G.722
SOUND_PACKET_BYTES: Final = _HEADER_BYTES + MAX_SOUND_OCTETS
_MAX_LATE: Final = 5  # packets sent at once after a standstill; beyond that the sound pauses
_MARKER: Final = 0x80
_VERSION: Final = 0x80


@compiled(numba.void(LEG_TYPE, numba.int64))
def _advance(leg: np.void, packets: int) -> None:
    """Move on in the sound; what does not loop is over at its end."""
    leg["sound_timestamp"] += packets * leg["sound_packet_units"]
    leg["sound_phase"] += packets
    if leg["sound_loops"] != 0:
        leg["sound_phase"] %= leg["sound_packets"]
    elif leg["sound_phase"] >= leg["sound_packets"]:
        leg["sound_over"] = 1


@compiled(numba.void(LOOP_TYPE, BYTES, LEG_TYPE, COUNTER_ARRAY))
def _send_sound(loop: np.void, packet: NDArray[np.uint8], leg: np.void, counters: NDArray[np.int64]) -> None:
    """The next 20 ms to the leg's party; the clock runs on also while nobody can be reached."""
    to = leg["source"] if leg["locked"] != 0 else leg["remote"]
    if to[0] != 0 and leg["deaf"] == 0:
        packet[0] = _VERSION
        packet[1] = leg["sound_payload_type"] | (_MARKER if leg["sound_started"] == 0 else 0)
        for i in range(2):
            packet[2 + i] = (np.int64(leg["sound_sequence"]) >> (8 - 8 * i)) & 0xFF
        for i in range(4):
            packet[4 + i] = (np.int64(leg["sound_timestamp"]) >> (24 - 8 * i)) & 0xFF
            packet[8 + i] = (np.int64(leg["sound_ssrc"]) >> (24 - 8 * i)) & 0xFF
        octets = leg["sound_packet_octets"]
        octets_at = np.uint64(leg["sound_at"]) + np.uint64(leg["sound_phase"] * octets)
        memcpy(packet.ctypes.data + _HEADER_BYTES, octets_at, octets)
        loop["size"] = _HEADER_BYTES + octets
        if send(loop, packet, leg["rtp_fd"], to, counters):
            counters[SOUNDS_SENT] += 1
        leg["sound_started"] = 1
        leg["sound_sequence"] += 1
    _advance(leg, 1)


@compiled(numba.void(LOOP_TYPE, BYTES, LEG_TYPE[::1], numba.int32[::1], COUNTER_ARRAY))
def send_sounds(
    loop: np.void,
    packet: NDArray[np.uint8],
    legs: NDArray[np.void],
    sound_legs: NDArray[np.int32],
    counters: NDArray[np.int64],
) -> None:
    """One packet to each leg with a sound for each expiry of the timer: a late loop catches up, no sound drifts."""
    if read(loop["timer_fd"], loop["expirations_at"], 8) != 8:
        return
    due = int(loop["expirations"])
    missed = max(due - _MAX_LATE, 0)
    for i in range(loop["sounds"]):
        leg = legs[sound_legs[i]]
        if leg["sound_loops"] != 0:
            _advance(leg, missed)
        for _ in range(due - missed):
            if leg["sound_over"] == 0:
                _send_sound(loop, packet, leg, counters)
