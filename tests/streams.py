"""Streams that made monitors report what was not there, each with the truth: the list of false alarms of the field.

Most are situations that VoIPmonitor's ChangeLog tells of. A case is packets on the wire with the time of their arrival,
so that it can be replayed through any tap; what is true of it is true for each.
"""

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from shared.events.media import PayloadFormat
from tests.unit.rtp_analyzer.rtp_builders import (
    NS_PER_MS,
    OPUS,
    SSRC,
    START_NS,
    TELEPHONE_EVENT,
    Arrival,
    following,
    later,
    steady,
    twice,
    without,
)

OTHER_SSRC = 0x55667788
CN = 13
AMR = PayloadFormat(payload_type=96, encoding="AMR", clock_rate=8000)
ILBC = PayloadFormat(payload_type=97, encoding="ILBC", clock_rate=8000)
AMR_WB = PayloadFormat(payload_type=98, encoding="AMR-WB", clock_rate=16000)
NEGOTIATED = (TELEPHONE_EVENT, OPUS, AMR, ILBC, AMR_WB)


@dataclass(frozen=True, slots=True)
class Truth:
    """What is true of one stream. No de-jitter buffer, of any size, discards a packet of these."""

    expected: int
    lost: int = 0
    duplicates: int = 0
    reordered: int = 0
    segments: int = 1
    steps: int = 0
    events: int = 0
    comfort_noise: int = 0
    ptime_ms: float | None = 20
    jitter_max_ms: float = 0.05  # at most, of RFC 3550 A.8 without what the sender did itself
    drift_ppm: float | None = None
    delta_max_ms: float = 20.5  # at most


@dataclass(frozen=True, slots=True)
class Case:
    """What happened, packet by packet; `suspended_before`: signalling told of another path before these indices."""

    name: str
    story: str
    packets: Sequence[Arrival]
    truth: Mapping[int, Truth]
    ssrcs: Sequence[int] = ()  # of each packet; empty: all are of SSRC
    source_ports: Sequence[int] = ()  # of each packet; empty: all come from one
    suspended_before: frozenset[int] = frozenset()

    def datagrams(self) -> Iterator[tuple[int, int, bytes]]:
        """(arrival in ns, source port, RTP packet), in order of arrival."""
        for i, packet in enumerate(self.packets):
            ssrc = self.ssrcs[i] if self.ssrcs else SSRC
            port = self.source_ports[i] if self.source_ports else 4000
            yield START_NS + round(packet.at_ms * NS_PER_MS), port, wire(packet, ssrc)


def wire(packet: Arrival, ssrc: int) -> bytes:
    """The packet as RTP (RFC 3550 5.1) with a payload of zeros."""
    second = packet.marker << 7 | packet.payload_type
    header = struct.pack("!BBHII", 0x80, second, packet.sequence, packet.timestamp, ssrc)
    return header + bytes(packet.payload_bytes)


def _one(
    name: str, story: str, packets: Sequence[Arrival], truth: Truth, suspended_before: frozenset[int] = frozenset()
) -> Case:
    return Case(name, story, packets, {SSRC: truth}, suspended_before=suspended_before)


def _talkspurts(marker: bool) -> list[Arrival]:
    packets = steady(50)
    for pause_ms in (1000, 1840, 5800):
        spurt = following(packets[-1], 50, pause_ms=pause_ms)
        packets += [replace(spurt[0], marker=marker), *spurt[1:]]
    return packets


def silences() -> Iterator[Case]:
    """Senders that say nothing while nobody speaks."""
    yield _one("vad_marked", "voice activity detection, marked talkspurts", _talkspurts(True), Truth(200))
    yield _one("vad_unmarked", "the same from a sender that never marks", _talkspurts(False), Truth(200))
    yield _one(
        "marks_everything",
        "a sender that marks every packet",
        [replace(packet, marker=True) for packet in _talkspurts(True)],
        Truth(200),
    )

    before = steady(50)
    noise = Arrival(1000, 1050, before[-1].timestamp + 160, payload_type=CN, payload_bytes=1)
    after = steady(50, first_sequence=1051, first_timestamp=noise.timestamp + 16_000, start_ms=3000)
    packets = [*before, noise, replace(after[0], marker=True), *after[1:]]
    yield _one("comfort_noise", "RFC 3389: noise, two seconds of silence", packets, Truth(101, comfort_noise=1))

    packets = steady(50, payload_type=18, payload_bytes=20)
    for pause_ms in (20, 180, 740, 60):
        packets += [
            replace(packet, payload_type=18, payload_bytes=2) for packet in following(packets[-1], 1, pause_ms=pause_ms)
        ]
    spurt = following(packets[-1], 50, pause_ms=320)
    packets += [replace(packet, payload_type=18, payload_bytes=20) for packet in spurt]
    yield _one("g729b_sid", "G.729B: descriptors of two octets when the noise changes", packets, Truth(104))

    packets = steady(50, payload_type=96, payload_bytes=32)
    silence = following(packets[-1], 20, pause_ms=60, ptime_ms=160)
    packets += [replace(packet, payload_type=96, payload_bytes=7) for packet in silence]
    spurt = following(packets[-1], 50, pause_ms=100)
    packets += [replace(packet, payload_type=96, payload_bytes=32) for packet in spurt]
    yield _one("amr_sid", "AMR: a descriptor each 160 ms", packets, Truth(120))

    before = steady(50)
    yield _one(
        "pause_without_sequence_gap",
        "three seconds of nothing, unmarked, with a timestamp that tells of them",
        [*before, *following(before[-1], 50, pause_ms=3000)],
        Truth(100),
    )
    after = steady(50, first_sequence=1050, first_timestamp=before[-1].timestamp + 160, start_ms=3000)
    yield _one(
        "pause_of_the_clock",
        "two seconds of nothing in which the timestamp stands still",
        [*before, replace(after[0], marker=True), *after[1:]],
        Truth(100, steps=1),
    )
    after = steady(50, first_sequence=1050, first_timestamp=before[-1].timestamp + 160, start_ms=1400)
    yield _one(
        "short_pause_of_the_clock",
        "400 ms in which the timestamp stands still, before a marked talkspurt",
        [*before, replace(after[0], marker=True), *after[1:]],
        Truth(100, jitter_max_ms=26),
    )
    packets = twice(_talkspurts(True), [50, 100, 150])
    yield _one("marked_twice", "the first packet of each talkspurt comes twice", packets, Truth(200, duplicates=3))


def signalled() -> Iterator[Case]:
    """Media that SDP suspended or sent another way."""
    packets = steady(100)
    packets += [
        replace(packet, sequence=packet.sequence + 500) for packet in following(packets[-1], 100, pause_ms=10_020)
    ]
    yield _one(
        "hold",
        "sendonly for ten seconds, in which the phone sends elsewhere",
        packets,
        Truth(200, segments=2),
        suspended_before=frozenset({100}),
    )
    packets = steady(100)
    packets += steady(100, first_sequence=7, first_timestamp=4_000_000_000, start_ms=2300)
    yield _one(
        "reinvite",
        "re-INVITE: the same SSRC goes on with other numbers",
        packets,
        Truth(200, segments=2),
        suspended_before=frozenset({100}),
    )
    yield _one(
        "moved_elsewhere",
        "a minute on another path that nobody told us of",
        [
            *steady(100),
            *steady(100, first_sequence=1100 + 3000, first_timestamp=50_000 + 3100 * 160, start_ms=62_000),
        ],
        Truth(200, segments=2),
    )


def identities() -> Iterator[Case]:
    """SSRCs and addresses that change."""
    packets = steady(100)
    back = following(packets[-1], 100, pause_ms=2020)
    other = steady(100, first_sequence=9, first_timestamp=7, start_ms=2000)
    yield Case(
        "ssrc_flip_flop",
        "music on hold under an SSRC of its own for two seconds, then the old one again",
        [*packets, *other, *back],
        {SSRC: Truth(200), OTHER_SSRC: Truth(100)},
        ssrcs=[SSRC] * 100 + [OTHER_SSRC] * 100 + [SSRC] * 100,
    )
    both = [(packet, SSRC) for packet in packets] + [
        (replace(packet, at_ms=packet.at_ms + 7), OTHER_SSRC)
        for packet in steady(100, first_sequence=40_000, first_timestamp=7)
    ]
    both.sort(key=lambda pair: pair[0].at_ms)
    yield Case(
        "two_ssrcs",
        "two streams to one port at once",
        [packet for packet, _ in both],
        {SSRC: Truth(100), OTHER_SSRC: Truth(100)},
        ssrcs=[ssrc for _, ssrc in both],
    )
    yield Case(
        "nat_rebinding",
        "the NAT gives the same stream another port",
        packets,
        {SSRC: Truth(100)},
        source_ports=[4000] * 60 + [61_234] * 40,
    )


def digits() -> Iterator[Case]:
    """RFC 4733: all packets of an event carry the timestamp of its start."""
    before = steady(50)
    start = before[-1].timestamp + 160
    event = [
        Arrival(1000 + min(20 * i, 180), 1050 + i, start, payload_type=101, marker=i == 0, payload_bytes=4)
        for i in range(12)
    ]
    after = steady(50, first_sequence=1062, first_timestamp=start + 1600, start_ms=1200)
    yield _one("digit", "a digit in the stream, its end three times", [*before, *event, *after], Truth(112, events=12))
    ends = [*event[:10], event[9], event[9]]
    after = steady(50, first_sequence=1060, first_timestamp=start + 1600, start_ms=1200)
    yield _one(
        "digit_of_sipp",
        "its end three times under one number, as SIPp's sample has it",
        [*before, *ends, *after],
        Truth(110, duplicates=2, events=10),
    )


def clocks() -> Iterator[Case]:
    """Clock rates, packet lengths and clocks that are not ours."""
    for payload_type, clock_rate in ((9, 8000), (98, 16_000), (111, 48_000), (11, 44_100)):
        packets = steady(100, payload_type=payload_type, clock_rate=clock_rate)
        yield _one(f"clock_{clock_rate}_of_{payload_type}", "its own timestamp rate", packets, Truth(100))
    for ptime_ms in (10, 20, 30, 40, 60):
        truth = Truth(100, ptime_ms=ptime_ms, delta_max_ms=ptime_ms + 0.5)
        yield _one(f"ptime_{ptime_ms}", f"packets of {ptime_ms} ms", steady(100, ptime_ms=ptime_ms), truth)
    for name, lengths in (("opus", (20, 60, 10)), ("ilbc", (20, 30))):
        payload_type, clock_rate = (111, 48_000) if name == "opus" else (97, 8000)
        yield _one(
            f"ptime_change_{name}",
            f"{name} packets of " + ", then ".join(f"{ptime_ms} ms" for ptime_ms in lengths),
            _lengths(lengths, payload_type, clock_rate),
            Truth(40 * len(lengths), ptime_ms=lengths[-1], jitter_max_ms=4, delta_max_ms=60.5),
        )
    for ppm in (-500, -200, 200, 500):
        # Ten minutes; a fast clock sends sooner.
        packets = [replace(packet, at_ms=packet.at_ms / (1 + ppm * 1e-6)) for packet in steady(30_000)]
        yield _one(f"drift_{ppm}", f"the sender's clock is off by {ppm} ppm", packets, Truth(30_000, drift_ppm=ppm))


def _lengths(lengths: Sequence[int], payload_type: int, clock_rate: int) -> list[Arrival]:
    """40 packets of each length in ms. One leaves when its last sample exists; its timestamp is that of its first."""
    packets: list[Arrival] = []
    due_ms, timestamp = 0.0, 0
    for i, ptime_ms in enumerate(length for length in lengths for _ in range(40)):
        due_ms += ptime_ms
        packets.append(Arrival(due_ms, i, timestamp, payload_type=payload_type))
        timestamp += clock_rate * ptime_ms // 1000
    return packets


def journeys() -> Iterator[Case]:
    """What the way does, or a sender that does not keep time, and no buffer minds."""
    yield _one(
        "first_out_of_order",
        "the first packet comes third",
        later(steady(100), {0: 45}),
        Truth(100, reordered=1, jitter_max_ms=6, delta_max_ms=40.5),
    )
    packets = later(steady(99), {i: 40 - 20 * (i % 3) for i in range(99)})
    yield _one(
        "sender_bursts",
        "three packets at once, every 60 ms",
        packets,
        Truth(99, jitter_max_ms=30, delta_max_ms=60.5),
    )
    yield _one(
        "outage",
        "no false alarm: half a minute that never came is lost",
        without(steady(1700), range(100, 1600)),
        Truth(1700, lost=1500, drift_ppm=0, delta_max_ms=30_020.5),
    )


CASES = {case.name: case for cases in (silences, signalled, identities, digits, clocks, journeys) for case in cases()}
