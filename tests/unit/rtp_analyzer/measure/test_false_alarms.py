"""Nothing is reported of the streams of tests/streams.py but what is true of them."""

import numpy as np
import pytest

from rtp_analyzer.measure.formats import format_table, known_formats
from rtp_analyzer.measure.slices import StreamContext, build_report
from rtp_analyzer.measure.state import BUFFERS
from rtp_analyzer.measure.stream import break_segment, observe
from rtp_analyzer.packets.rtp import RtpPacket
from shared.events import StreamReport
from tests.streams import CASES, NEGOTIATED, Case
from tests.unit.rtp_analyzer.rtp_builders import NS_PER_MS, START_NS, cut, new_stream

FORMATS = known_formats(NEGOTIATED)
TABLE = format_table(FORMATS)
SECOND_NS = 10**9


def replay(case: Case) -> dict[int, np.void]:
    """The last cut of each stream, by SSRC; cut once a second like the relay does."""
    streams: dict[int, np.void] = {}
    next_cut_ns = START_NS + SECOND_NS
    last_ns = START_NS
    for i, (at_ns, _, data) in enumerate(case.datagrams()):
        packet = RtpPacket.decode(data)
        while at_ns >= next_cut_ns:
            for stream in streams.values():
                cut(stream, (next_cut_ns - START_NS) / NS_PER_MS)
            next_cut_ns += SECOND_NS
        stream = streams.setdefault(packet.ssrc, new_stream(packet.ssrc))
        if i in case.suspended_before:
            break_segment(stream)
        known = TABLE[packet.payload_type]
        observe(
            stream,
            at_ns,
            packet.sequence,
            packet.timestamp,
            packet.payload_type,
            packet.marker,
            len(packet.payload),
            int(known["clock_rate"]),
            int(known["kind"]),
        )
        last_ns = at_ns
    return {ssrc: cut(stream, (last_ns - START_NS) / NS_PER_MS) for ssrc, stream in streams.items()}


def report(record: np.void) -> StreamReport:
    return build_report(record, StreamContext("a@b", "m1", "caller", None, FORMATS), None)


@pytest.mark.parametrize("name", CASES)
def test_only_the_truth_is_reported(name: str) -> None:
    case = CASES[name]

    records = replay(case)

    assert records.keys() == case.truth.keys()
    for ssrc, truth in case.truth.items():
        told, total = report(records[ssrc]), report(records[ssrc]).total
        assert (total.packets_expected, total.packets_lost) == (truth.expected, truth.lost)
        assert (total.duplicates, total.reordered) == (truth.duplicates, truth.reordered)
        assert (told.events_received, told.comfort_noise_received) == (truth.events, truth.comfort_noise)
        assert (int(records[ssrc]["segments"]), told.timestamp_steps) == (truth.segments, truth.steps)
        assert told.ptime_ms == (truth.ptime_ms and pytest.approx(truth.ptime_ms))
        assert float(records[ssrc]["steady_jitter_max_s"]) * 1000 <= truth.jitter_max_ms
        assert told.drift_ppm == (truth.drift_ppm and pytest.approx(truth.drift_ppm, abs=1))
        assert told.delta_max_ms is not None
        assert told.delta_max_ms <= truth.delta_max_ms


@pytest.mark.parametrize("name", CASES)
def test_no_buffer_discards_any_of_it(name: str) -> None:
    discarded = {ssrc: record["total_discarded"].tolist() for ssrc, record in replay(CASES[name]).items()}

    assert discarded == {ssrc: [0] * len(BUFFERS) for ssrc in CASES[name].truth}


@pytest.mark.parametrize("name", sorted(name for name in CASES if name.startswith("drift")))
def test_a_drifting_clock_is_no_delay_variation(name: str) -> None:
    (record,) = replay(CASES[name]).values()

    assert record["total_variation_s"] * 1000 == pytest.approx([0, 0, 0], abs=1.0)
