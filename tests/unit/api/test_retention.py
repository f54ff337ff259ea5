"""Each kind is kept for as long as the settings say, and a disk that fills up costs details before it costs calls."""

import pytest

from api.ingest import Ingest
from api.retention import DAY_S, KINDS, Disk, Retention
from api.store import queries, tables
from shared.broker import Bus
from shared.broker.connection import connect
from shared.events import GatewayProbed, InvalidPassword
from shared.testing import AT, call_ended, call_started, measures, slice_of, slices_measured
from tests.unit.api.deliveries import delivered
from tests.unit.api.test_store import count, message

GATEWAY = {"aor": "a@h", "contact": "sip:a@192.0.2.1", "source": "192.0.2.1:5060", "transport": "udp"}


def everything(call_id: str, at: float):
    yield call_started(call_id=call_id, at=at)
    parts = [slice_of(call_id=call_id, started_at=at + n, total=measures(50 * (n + 1))) for n in range(120)]
    yield slices_measured(*parts[:100])
    yield slices_measured(*parts[100:])
    yield message(call_id=call_id, at=at)
    yield InvalidPassword(at=at, source="192.0.2.1:9", transport="udp")
    yield GatewayProbed(**GATEWAY, at=at, code=200, rtt_ms=5.0)
    yield call_ended(call_id=call_id, at=at + 120)


async def keep(database, now: float, **days: float) -> Retention:
    retention = Retention(database, {name: days.get(name, 0) for name in KINDS}, lambda: now)
    await retention.run_once()
    return retention


async def test_a_call_goes_with_all_that_belongs_to_it(ingest, database):
    for call_id, at in (("old", AT - 10 * DAY_S), ("new", AT)):
        await ingest.store([delivered(event) for event in everything(call_id, at)])

    retention = await keep(database, AT, calls=5)

    async with database.reading() as connection:
        assert set(await queries.calls_by_id(connection, ["old", "new"])) == {"new"}
    assert [await count(database, each) for each in (tables.calls, tables.streams, tables.sip_messages)] == [1, 1, 1]
    assert await count(database, tables.slices) == 24
    assert retention.counters["expired_calls"] == 1


async def test_a_call_that_still_goes_on_stays(ingest, database):
    at = AT - 10 * DAY_S
    await ingest.store([delivered(call_started(at=at)), delivered(slices_measured(slice_of(started_at=AT)))])

    await keep(database, AT, calls=5)

    assert await count(database, tables.calls) == 1


async def test_rows_become_minutes_and_go_later(ingest, database):
    await ingest.store([delivered(event) for event in everything("call-1", AT // 60 * 60)])

    await keep(database, AT + 20 * DAY_S, course=14)

    async with database.reading() as connection:
        (course,) = await queries.course(connection, "call-1")
    assert [row.duration_s for row in course.rows] == [60, 60]
    assert sum(row.packets_expected for row in course.rows) == 120 * 50

    await keep(database, AT + 100 * DAY_S, course=14, minutes=90)

    assert await count(database, tables.slices) == 0
    assert await count(database, tables.calls) == 1


@pytest.mark.parametrize(
    ("kind", "table"),
    [
        ("messages", tables.sip_messages),
        ("security", tables.security_events),
        ("probes", tables.gateway_probes),
        ("devices", tables.gateways),
    ],
)
async def test_each_kind_has_its_own_time(ingest, database, kind, table):
    await ingest.store([delivered(event) for event in everything("call-1", AT)])

    await keep(database, AT + 5 * DAY_S, **{kind: 10})
    before = await count(database, table)
    await keep(database, AT + 20 * DAY_S, **{kind: 10})

    assert (before, await count(database, table)) == (1, 0)
    assert await count(database, tables.calls) == 1


async def test_a_disk_that_fills_up_costs_details_and_no_call(database, tmp_path):
    free = [100]
    disk = Disk(tmp_path, reserve_bytes=200, free=lambda _: free[0])
    bus = Bus(connect("redis://127.0.0.1:1/0"))
    ingest = Ingest(bus, database, "api-1", lambda: AT, disk.keeps_details)

    await ingest.store([delivered(event) for event in everything("call-1", AT)])

    kept = [await count(database, each) for each in (tables.calls, tables.streams, tables.security_events)]
    dropped = [await count(database, each) for each in (tables.slices, tables.sip_messages, tables.gateway_probes)]
    assert (kept, dropped) == ([1, 1, 1], [0, 0, 0])
    assert ingest.counters["ingest_without_details"] == 7


def test_details_come_back_with_some_room_to_spare(tmp_path):
    free = [300]
    disk = Disk(tmp_path, reserve_bytes=200, free=lambda _: free[0])
    kept = []

    for free[0] in (300, 199, 201, 239, 241):
        kept.append(disk.keeps_details())

    assert kept == [True, False, False, False, True]


def test_a_server_looks_after_its_own_disk():
    assert Disk(None, reserve_bytes=2**60).keeps_details()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_what_was_taken_away_is_given_back_to_the_disk(ingest, database):
    for number in range(30):
        await ingest.store([delivered(message(call_id=f"call-{number}", at=AT, text="x" * 60_000))])
    async with database.reading() as connection:
        before = await queries.size_bytes(connection)

    await keep(database, AT + 20 * DAY_S, messages=10)

    async with database.reading() as connection:
        assert await queries.size_bytes(connection) < before / 2
