"""What is stored is what was published: in any order, in any batches, however often it is delivered."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from api.fold import Call, facts_of, fold
from api.rollup import Row
from api.store import queries, tables, writes
from api.store.call_list import CallFilter, list_calls
from api.store.database import Database
from shared.broker import Delivery
from shared.events import (
    CALLS,
    METRICS,
    STREAMS,
    AudioHealth,
    Delay,
    DeviceRegistered,
    InvalidPassword,
    RequestBadFormat,
    SipMessageSeen,
)
from shared.testing import AT, call_answered, call_ended, call_started, measures, slice_of, slices_measured
from tests.unit.api.deliveries import delivered, raw
from tests.unit.api.test_call_fold import report

HOSTILE = "'; DROP TABLE calls; --\"%_\\/?#é\U0001f4a9" + "x" * 480


def parts(call_id: str = "call-1", count: int = 10, lost: int = 1, **changes):
    return [
        slice_of(
            call_id=call_id,
            started_at=AT + number,
            interval=measures(50, lost),
            total=measures(50 * (number + 1), lost * (number + 1)),
            **changes,
        )
        for number in range(count)
    ]


async def count(database: Database, table) -> int:
    async with database.reading() as connection:
        found: int = (await connection.execute(select(func.count()).select_from(table))).scalar_one()
        return found


async def stored(database: Database, call_id: str = "call-1") -> Call:
    async with database.reading() as connection:
        return (await queries.calls_by_id(connection, [call_id]))[call_id]


def message(**changes) -> SipMessageSeen:
    fields = {"at": AT, "call_id": "call-1", "direction": "received", "transport": "udp", "local": "192.0.2.9:5060"}
    return SipMessageSeen.model_validate(
        {**fields, "remote": "192.0.2.1:5060", "method": "INVITE", "cseq": 1, "text": "INVITE …\r\n", **changes}
    )


async def test_a_call_is_read_back_as_it_was_folded(ingest, database):
    events = [call_started(), call_answered(), slices_measured(*parts()), report(498), call_ended()]
    expected = None
    for event in events:
        for call_id, fact in facts_of(event):
            expected = fold(expected, call_id, fact)

    await ingest.store([delivered(event) for event in events])

    assert await stored(database) == expected


async def test_what_was_heard_is_read_back_with_the_stream_and_with_its_direction(ingest, database):
    audio = AudioHealth(source="g711", level_dbov=-26.5, silence_percent=40, dead_air_s=0, judged_s=2)
    await ingest.store([delivered(slices_measured(*parts(audio=audio)))])

    call = await stored(database)
    async with database.reading() as connection:
        (summary,) = (await list_calls(connection, CallFilter(), 10)).items

    assert [stream.report.audio for stream in call.streams.values()] == [audio]
    assert summary.directions["caller"].audio == audio


async def test_the_delay_is_stored_and_listed(ingest, database):
    delay = Delay(one_way_ms=55, rtt_ms=110, source="rtcp", mouth_to_ear_ms=115)

    await ingest.store([delivered(call_started()), delivered(slices_measured(*parts(delay=delay)))])

    (stream,) = (await stored(database)).streams.values()
    assert stream.report.delay == delay
    async with database.reading() as connection:
        (listed,) = (await list_calls(connection, CallFilter(text="call-1"), 10)).items
    caller = listed.directions["caller"]
    assert (caller.rtt_ms, caller.delay_ms, caller.delay_source) == (110, 55, "rtcp")


async def test_a_batch_that_comes_again_changes_nothing(ingest, database):
    batch = [delivered(event) for event in (call_started(), slices_measured(*parts()), message(), call_ended())]
    await ingest.store(batch)
    before = await stored(database), await _rows(database)

    await ingest.store(batch)

    assert (await stored(database), await _rows(database)) == before
    assert await count(database, tables.sip_messages) == 1


async def test_an_event_that_was_published_twice_is_stored_once(ingest, database):
    events = [slices_measured(*parts()), message(), InvalidPassword(at=AT, source="192.0.2.1:9", transport="udp")]

    await ingest.store([delivered(event) for event in events])
    await ingest.store([delivered(event) for event in events])

    assert sum(row.packets_expected for row in await _rows(database)) == 500
    assert await count(database, tables.sip_messages) == 1
    assert await count(database, tables.security_events) == 1


EVENTS = [
    call_started(),
    call_answered(),
    *(slices_measured(part) for part in parts(count=7)),
    slices_measured(*parts(direction="callee", ssrc=2, count=7)),
    report(348),
    call_ended(),
]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_any_order_in_any_batches_stores_the_same(ingest, database, data):
    call_id = f"call-{data.draw(st.uuids())}"
    events = [_renamed(event, call_id) for event in data.draw(st.permutations(EVENTS))]
    while events:
        size = data.draw(st.integers(1, len(events)))
        await ingest.store([delivered(event) for event in events[:size]])
        events = events[size:]

    call = await stored(database, call_id)
    rows = await _rows(database, call_id)

    expected = None
    for event in EVENTS:
        for _, fact in facts_of(_renamed(event, call_id)):
            expected = fold(expected, call_id, fact)
    assert call == expected
    assert [(row.packets_expected, row.packets_lost) for row in rows] == [(250, 5), (250, 5), (100, 2), (100, 2)]


async def test_seconds_are_kept_as_rows_of_five(ingest, database):
    await ingest.store([delivered(slices_measured(*parts(count=12)))])

    rows = await _rows(database)

    assert [row.started_at - AT for row in rows] == [0, 5, 10]
    assert [row.duration_s for row in rows] == [5, 5, 2]
    assert [row.packets_lost for row in rows] == [5, 5, 2]


@pytest.mark.parametrize("call_id", [HOSTILE, "a/b@192.0.2.1", "%2F", "\u202e\ufeff", " "])
async def test_a_hostile_call_id_is_only_a_text(ingest, database, call_id):
    events = [call_started(call_id=call_id, caller=call_id), slices_measured(*parts(call_id)), message(call_id=call_id)]

    await ingest.store([delivered(event) for event in events])

    assert (await stored(database, call_id)).signalling.call_id == call_id
    async with database.reading() as connection:
        found = await list_calls(connection, CallFilter(text=call_id), 10)
        ladder = await queries.messages(connection, call_id, 10)
    assert [each.signalling.call_id for each in found.items] == [call_id]
    assert len(ladder) == 1


async def test_malformed_entries_are_counted_and_kept_aside(ingest, database):
    garbage = [raw(CALLS, {"type": "CallStarted", "data": "{"}), raw(METRICS, {"nonsense": "\x00"}), raw(CALLS, {})]

    await ingest.store([garbage[0], delivered(call_started()), *garbage[1:]])

    assert ingest.counters["ingest_rejected"] == 3
    assert ingest.counters["ingest_stored"] == 1
    assert await count(database, tables.rejected_entries) == 3
    assert await count(database, tables.calls) == 1


TEXTS = st.text(max_size=40) | st.sampled_from(["{}", "null", "[]", '{"at":1}', '{"at":1e400}', "{" * 2000, "\0", "1"])
FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "type": TEXTS | st.sampled_from([cls.__name__ for each in STREAMS for cls in each.events]),
        "data": TEXTS,
    },
) | st.dictionaries(TEXTS, TEXTS, max_size=3)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(entries=st.lists(st.tuples(st.sampled_from(STREAMS), FIELDS), max_size=8))
async def test_whatever_is_on_the_streams_is_set_aside_and_the_rest_is_stored(ingest, database, entries):
    before = dict(ingest.counters)
    call_id = f"after-{before['ingest_stored']}"

    await ingest.store([*(raw(stream, fields) for stream, fields in entries), delivered(call_started(call_id=call_id))])

    assert ingest.counters["ingest_rejected"] - before["ingest_rejected"] == len(entries)
    assert (await stored(database, call_id)).signalling.caller == "alice@example.com"


async def test_an_event_that_no_column_can_hold_is_kept_aside_alone(ingest, database):
    flood = RequestBadFormat(at=AT, source="192.0.2.1:9", transport="udp", reason="garbage", count=10**30)

    await ingest.store([delivered(event) for event in (call_started(), flood, call_ended())])

    assert ingest.counters["ingest_rejected"] == 1
    assert (await stored(database)).signalling.ended_at == AT + 12
    async with database.reading() as connection:
        assert len((await connection.execute(select(tables.rejected_entries))).all()) == 1


async def test_only_the_newest_rejected_entries_are_kept(database, monkeypatch):
    monkeypatch.setattr(writes, "REJECTED_KEPT", 5)
    for moment in range(10):
        entry = Delivery("vqm:calls", f"{moment}-0", {}, None, "malformed")
        async with database.writing() as connection:
            await writes.reject(connection, [(entry, "malformed")], AT + moment)

    async with database.reading() as connection:
        kept = (await connection.execute(select(tables.rejected_entries.c.entry_id))).scalars().all()
    assert sorted(kept) == ["5-0", "6-0", "7-0", "8-0", "9-0"]


async def test_devices_fold_onto_what_is_stored(ingest, database):
    fields = {"aor": "a@example.com", "contact": "sip:a@192.0.2.1", "source": "192.0.2.1:5060", "transport": "udp"}
    first = DeviceRegistered.model_validate({**fields, "at": AT, "expires_at": AT + 60})
    again = DeviceRegistered.model_validate({**fields, "at": AT + 70, "expires_at": AT + 130})

    await ingest.store([delivered(again)])
    await ingest.store([delivered(first)])

    async with database.reading() as connection:
        (device,) = await queries.devices(connection, 10)
    assert (device.registered_at, device.expires_at) == (AT + 70, AT + 130)


async def test_the_position_of_each_stream_only_moves_forward(ingest, database):
    old, new = delivered(call_started()), delivered(call_ended())
    await ingest.store([new])
    await ingest.store([old])

    async with database.reading() as connection:
        assert await queries.positions(connection) == {"vqm:calls": new.id}


async def _rows(database: Database, call_id: str = "call-1") -> list[Row]:
    async with database.reading() as connection:
        course = await queries.course(connection, call_id)
    return sorted((row for stream in course for row in stream.rows), key=lambda row: row.started_at)


def _renamed(event, call_id: str):
    if hasattr(event, "slices"):
        return event.model_copy(update={"slices": tuple(_renamed(part, call_id) for part in event.slices)})
    if hasattr(event, "report"):
        return event.model_copy(update={"call_id": call_id, "report": _renamed(event.report, call_id)})
    return event.model_copy(update={"call_id": call_id})
