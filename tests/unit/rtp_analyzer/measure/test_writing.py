"""What is published of a stream is what `build_slice` makes of it, whichever way it was written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtp_analyzer.audio.health import UNHEARD, Health
from rtp_analyzer.measure.conversation import NOTHING, Aside
from rtp_analyzer.measure.formats import known_formats
from rtp_analyzer.measure.slices import StreamContext, build_slice
from rtp_analyzer.measure.writing import SliceWriter
from rtp_analyzer.taps.relay import StreamCut
from shared.events import AudioHealth, Delay, ImpairedBy, PayloadFormat, Slice
from shared.events.metrics import RemoteReport
from shared.testing import AT, PCMA
from tests.unit.rtp_analyzer.annotated import annotated
from tests.unit.rtp_analyzer.rtp_builders import (
    cut,
    later,
    measure,
    measure_slices,
    new_stream,
    see,
    steady,
    twice,
    without,
)

G729 = PayloadFormat(payload_type=18, encoding="G729", clock_rate=8000)
OPUS = PayloadFormat(payload_type=111, encoding="OPUS", clock_rate=48000, channels=2)
CONTEXT = StreamContext('a"è\\@b', "m1", "callee", "[2001:db8::1]:4000", known_formats((PCMA, G729, OPUS)))


ASIDES = (
    NOTHING,
    Aside(latest=Delay(one_way_ms=80, source="configured")),
    Aside(
        latest=Delay(one_way_ms=150, rtt_ms=300, source="rtcp"),
        mean=Delay(one_way_ms=125.5, rtt_ms=251, source="rtcp"),
        remote=RemoteReport(at=AT, reports=3, cumulative_lost=-2, jitter_ms=10.5),
        goodbye=True,
    ),
)
HEARD = Health(AudioHealth(source="g711", level_dbov=-20.5), AudioHealth(unknown="no_decoder"))
SPOILT: tuple[tuple[tuple[ImpairedBy, ...], Health], ...] = (((), UNHEARD), (("socket_drops", "clock_step"), HEARD))


def cut_of(
    record,
    slot: int = 0,
    context: StreamContext = CONTEXT,
    impaired_by: tuple[ImpairedBy, ...] = (),
    audio: Health = UNHEARD,
) -> StreamCut:
    return StreamCut(slot, record, context, impaired_by, False, audio)


def same(text: str, expected: Slice) -> bool:
    """Whether the text is that slice, to the sixth decimal of each number."""
    return close(Slice.model_validate_json(text).model_dump(), expected.model_dump())


def close(one: object, other: object) -> bool:
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(close(one[key], other[key]) for key in one)
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(map(close, one, other))
    if isinstance(one, float) and isinstance(other, float):
        return one == pytest.approx(other, rel=1e-9, abs=1e-6)
    return one == other


@given(
    lost=st.sets(st.integers(0, 99)),
    copied=st.sets(st.integers(0, 99), max_size=5),
    late=st.dictionaries(st.integers(0, 99), st.floats(0, 300), max_size=20),
    payload_type=st.sampled_from([8, 18, 111, 96]),
    cut_before=st.integers(1, 99),
)
def test_both_ways_say_the_same(lost, copied, late, payload_type, cut_before):
    packets = without(later(twice(steady(100, payload_type=payload_type), copied), late), lost)
    records = measure_slices(packets, [cut_before] if cut_before < len(packets) else [])
    writer = SliceWriter()

    for record in records:
        for aside in ASIDES:
            for impaired_by, audio in SPOILT:
                ((text, mos),) = writer.write([cut_of(record, impaired_by=impaired_by, audio=audio)], [aside])
                expected = annotated(build_slice(record, CONTEXT, impaired_by, audio), aside)
                assert same(text, expected)
                assert mos == (None if expected.interval.quality is None else expected.interval.quality.mos)


def test_a_stream_without_packets_is_null_not_zero():
    record = cut(new_stream(), 1000)

    ((text, mos),) = SliceWriter().write([cut_of(record)], [NOTHING])

    written = Slice.model_validate_json(text)
    assert written == build_slice(record, CONTEXT)
    assert (written.interval.loss_percent, written.interval.jitter_ms, mos) == (None, None, None)


def test_each_of_many_streams_has_its_own_figures():
    records = [measure(without(steady(60), range(number))) for number in range(1, 30)]
    cuts = [cut_of(record, slot) for slot, record in enumerate(records)]

    written = SliceWriter().write(cuts, [NOTHING] * len(cuts))

    assert all(same(text, build_slice(record, CONTEXT)) for (text, _), record in zip(written, records, strict=True))
    assert len({text for text, _ in written}) == len(records)


def test_what_is_kept_of_a_stream_follows_it():
    writer = SliceWriter()
    stream = new_stream()
    for packet in steady(50):
        see(stream, packet)
    writer.write([cut_of(cut(stream, 1000))], [NOTHING])
    for packet in steady(100, payload_type=18)[50:]:
        see(stream, packet)
    record = cut(stream, 2000)
    elsewhere = StreamContext("c@d", "m2", "caller", None, CONTEXT.formats)

    ((changed, _),) = writer.write([cut_of(record)], [NOTHING])
    ((moved, _),) = writer.write([cut_of(record, context=elsewhere)], [NOTHING])

    assert same(changed, build_slice(record, CONTEXT))
    assert Slice.model_validate_json(changed).codec == "G729"
    assert same(moved, build_slice(record, elsewhere))


def test_no_streams_make_no_slices():
    assert SliceWriter().write([], []) == []
