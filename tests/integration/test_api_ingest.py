"""Nothing is lost and nothing stored twice: crash before the acknowledgement, flush, a broker that goes, garbage."""

import asyncio
import time

import pytest
from sqlalchemy import func, select

from api.fold import Call
from api.ingest import GROUP, STREAMS, Ingest
from api.store import queries, tables
from api.store.database import Database
from shared.broker import Bus, connect
from shared.events import (
    CALLS,
    GATEWAYS,
    METRICS,
    REGISTRATIONS,
    SECURITY,
    SIP,
    GatewayProbed,
    InvalidPassword,
    SipMessageSeen,
    UserAgentChanged,
)
from shared.testing import AT, call_ended, call_started, measures, slice_of, slices_measured
from tests.integration.api_running import eventually, running_api

pytestmark = pytest.mark.integration


@pytest.fixture
async def database(database_url):
    database = Database.open(database_url)
    await database.migrate()
    yield database
    await database.close()


async def publish_something(bus: Bus) -> None:
    fields = {"call_id": "call-1", "transport": "udp", "local": "192.0.2.9:5060", "remote": "192.0.2.1:5060"}
    parts = [slice_of(started_at=AT + n, total=measures(50 * (n + 1))) for n in range(7)]
    await bus.publish(
        [
            (CALLS, call_started()),
            *((METRICS, slices_measured(part)) for part in parts),
            (SIP, SipMessageSeen(at=AT, direction="received", method="INVITE", cseq=1, text="INVITE", **fields)),
            (SECURITY, InvalidPassword(at=AT, source="192.0.2.1:5060", transport="udp")),
            (CALLS, call_ended()),
        ]
    )


async def everything(database: Database) -> tuple[list[int], int, dict[str, Call]]:
    async with database.reading() as connection:
        counts = [
            (await connection.execute(select(func.count()).select_from(table))).scalar_one()
            for table in (tables.calls, tables.streams, tables.slices, tables.sip_messages, tables.security_events)
        ]
        packets = (await connection.execute(select(func.sum(tables.slices.c.packets_expected)))).scalar_one()
        calls = await queries.calls_by_id(connection, ["call-1"])
    return counts, packets, calls


async def first_batches(bus: Bus, ingest: Ingest, entries: int) -> int:
    """Stores as the service does, but dies before it acknowledges."""
    taken = 0
    async with asyncio.timeout(10):
        async for deliveries in bus.consume(STREAMS, GROUP, "api-1"):
            await ingest.store(deliveries)
            taken += len(deliveries)
            if taken >= entries:
                return taken
    raise AssertionError


async def test_what_devices_do_is_read_without_complaint(redis, database):
    bus = Bus(redis)
    ingest = Ingest(bus, database, "api-1", time.time)
    gateway = {"at": AT, "aor": "a@h", "contact": "sip:a@h", "source": "192.0.2.1:5060", "transport": "udp"}
    await bus.publish(
        [
            (GATEWAYS, GatewayProbed(**gateway, code=200, rtt_ms=12.5)),
            (REGISTRATIONS, UserAgentChanged(**gateway, previous_user_agent=None)),
        ]
    )

    await first_batches(bus, ingest, 2)

    assert ingest.counters["ingest_rejected"] == 0


async def test_a_crash_between_storing_and_acknowledging_stores_nothing_twice(redis, database):
    bus = Bus(redis)
    ingest = Ingest(bus, database, "api-1", time.time)
    await publish_something(bus)
    await first_batches(bus, ingest, 11)
    before = await everything(database)
    assert before[:2] == ([1, 1, 2, 1, 1], 350)

    again = Ingest(bus, database, "api-1", time.time)
    assert await first_batches(bus, again, 11) == 11

    assert await everything(database) == before


async def test_what_was_not_acknowledged_is_stored_by_the_next_process(broker, redis, tmp_path, database_url):
    bus = Bus(redis)
    await publish_something(bus)
    async for deliveries in bus.consume(STREAMS, GROUP, "api-1"):
        assert deliveries  # taken, neither stored nor acknowledged
        break

    async with running_api(broker.url, tmp_path, database_url=database_url) as api:

        async def stored():
            return (await api.get("/api/v1/calls", state="ended"))["items"]

        (call,) = await eventually(stored)

    assert call["directions"]["caller"]["packets_expected"] == 350


async def test_everything_stored_is_acknowledged(broker, redis, tmp_path):
    bus = Bus(redis)
    await publish_something(bus)

    async with running_api(broker.url, tmp_path):

        async def settled():
            groups = [(await redis.xinfo_groups(stream.key))[0] for stream in STREAMS]
            read = sum(group["entries-read"] or 0 for group in groups)
            return read == 11 and not any(group["pending"] for group in groups)

        await eventually(settled)


async def test_a_flushed_broker_does_not_stop_the_storing(broker, redis, tmp_path):
    bus = Bus(redis)
    async with running_api(broker.url, tmp_path) as api:

        async def calls():
            return {call["call_id"] for call in (await api.get("/api/v1/calls"))["items"]}

        await bus.publish([(CALLS, call_started(call_id="before"))])
        await eventually(lambda: _is(calls, {"before"}))
        await redis.flushdb()
        await bus.publish([(CALLS, call_started(call_id="after"))])

        await eventually(lambda: _is(calls, {"before", "after"}))


async def test_a_broker_that_goes_and_comes_back_is_found_again(broker_process, tmp_path):
    async with running_api(broker_process.url, tmp_path) as api:

        async def readiness():
            return (await api.client.get("/readyz")).json()["failing"].get("broker")

        broker_process.stop()
        assert await eventually(readiness) == "BrokerLost"
        problem = await api.client.get("/api/v1/workers")
        assert (problem.status_code, problem.json()["status"]) == (503, 503)

        broker_process.start()
        client = connect(broker_process.url)
        await Bus(client).publish([(CALLS, call_started(call_id="after"))])
        await client.aclose()

        async def stored():
            return (await api.get("/api/v1/calls"))["items"]

        assert [call["call_id"] for call in await eventually(stored, 20)] == ["after"]


async def test_malformed_entries_are_counted_and_the_rest_is_stored(broker, redis, tmp_path):
    bus = Bus(redis)
    async with running_api(broker.url, tmp_path) as api, redis.pipeline(transaction=False) as pipe:
        for stream in STREAMS:
            for data in ("", "{", "null", '{"at":1}', '{"at":1e999}', "[" * 100_000, '{"at":1,"call_id":"\\ud83d"}'):
                pipe.xadd(stream.key, {"type": stream.events[0].__name__, "data": data})
            pipe.xadd(stream.key, {"type": "Nonsense", "data": "{}"})
            pipe.xadd(stream.key, {b"\xff\xfe": b"\xff not utf-8 \xc3("})
        await pipe.execute()
        await bus.publish([(CALLS, call_started())])

        async def stored():
            return (await api.get("/api/v1/calls"))["items"]

        async def counted():
            services = (await api.get("/api/v1/services"))["items"]
            own = next(each for each in services if each["service"] == "api")
            return own["counters"].get("ingest_rejected") == 9 * len(STREAMS)

        assert [call["call_id"] for call in await eventually(stored)] == ["call-1"]
        await eventually(counted)


async def _is(found, expected: set[str]) -> bool:
    return bool(await found() == expected)
