"""Sound to be judged: waves, octets of G.711, and copies of packets as the relay makes them."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rtp_analyzer.audio.levels import hear, open_hearing
from rtp_analyzer.audio.state import CODECS, HEARD, HEARING, SAMPLE
from tests.unit.rtp_analyzer.rtp_builders import START_NS

SSRC = 0x11223344
PACKET_NS = 20_000_000
# G.711 tables 5 and 6: a sine of 1 kHz with 0 dBm0.
MILLIWATT = {"PCMA": bytes.fromhex("34212134b4a1a1b4") * 20, "PCMU": bytes.fromhex("1e0b0b1e9e8b8b9e") * 20}
SILENCE = {"PCMA": bytes([0xD5]) * 160, "PCMU": bytes([0xFF]) * 160}


def sine(amplitude: float, *, frequency_hz: float = 1004, rate: int = 8000, seconds: float = 1) -> NDArray[np.float32]:
    """Cut off at full scale, as every encoder does."""
    phase = 2 * np.pi * frequency_hz / rate * np.arange(round(rate * seconds))
    return np.clip(amplitude * np.sin(phase), -1, 1).astype(np.float32)


def new_hearing() -> np.void:
    hearings = np.zeros(1, HEARING)
    open_hearing(hearings, 0, SSRC, False)
    record: np.void = hearings[0]
    return record


def hear_all(packets: Sequence[NDArray[np.float32]], hearing: np.void | None = None, start_s: float = 0) -> np.void:
    """Packets of 20 ms at 8000 Hz, 20 ms apart."""
    known = new_hearing() if hearing is None else hearing
    for number, packet in enumerate(packets):
        hear(known, START_NS + round(start_s * 1e9) + number * PACKET_NS, packet, 8000)
    return known


def cut_hearing(hearings: NDArray[np.void], slot: int) -> np.void:
    """What was heard so far; the next slice begins."""
    known: np.void = hearings[slot].copy()
    hearings["slice"][slot] = np.zeros((), HEARD)
    return known


def samples(
    payloads: Sequence[bytes], encoding: str, *, slot: int = 0, ssrc: int = SSRC, first: int = 1000
) -> NDArray[np.void]:
    """Consecutive packets of a stream."""
    batch = np.zeros(len(payloads), SAMPLE)
    batch["slot"], batch["ssrc"], batch["codec"] = slot, ssrc, CODECS[encoding]
    batch["sequence"] = (first + np.arange(len(payloads))) & 0xFFFF
    batch["arrival_ns"] = START_NS + np.arange(len(payloads)) * PACKET_NS
    for number, payload in enumerate(payloads):
        batch[number]["bytes"] = len(payload)
        batch[number]["payload"][: len(payload)] = np.frombuffer(payload, np.uint8)
    return batch
