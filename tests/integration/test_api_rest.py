"""What is published on the bus is what REST answers, to the packet."""

import csv
import io
import time
from urllib.parse import quote

import pytest

from shared.broker import Bus, Workers, WorkerStatus
from shared.events import (
    CALLS,
    GATEWAYS,
    METRICS,
    REGISTRATIONS,
    SECURITY,
    SIP,
    DeviceRegistered,
    GatewayDown,
    GatewayProbed,
    GatewayUp,
    InvalidPassword,
    SipMessageSeen,
    StreamEnded,
    StreamReport,
)
from shared.testing import call_answered, call_ended, call_judged, call_started, measures, slice_of, slices_measured
from tests.integration.api_running import eventually, running_api

pytestmark = pytest.mark.integration

CALL_ID = "a/b c'\"%2F@192.0.2.1"
PATH = f"/api/v1/calls/{quote(CALL_ID, safe='')}"


@pytest.fixture
async def api(broker, redis, tmp_path):
    async with running_api(broker.url, tmp_path) as api:
        yield api


def start_of_row() -> float:
    """A moment some seconds ago at which a row of five seconds begins."""
    return time.time() // 5 * 5 - 20


def seconds_of(at: float, count: int, lost: int = 0, **changes):
    return [
        slice_of(
            call_id=CALL_ID,
            started_at=at + number,
            interval=measures(50, lost),
            total=measures(50 * (number + 1), lost * (number + 1)),
            **changes,
        )
        for number in range(count)
    ]


async def publish_a_call(bus: Bus, at: float, *, ended: bool) -> None:
    """The caller loses every 25th packet while slices tell, and all in all every 20th; the callee none."""
    caller = seconds_of(at + 2, 8, lost=2, ssrc=1)
    callee = seconds_of(at + 2, 8, direction="callee", ssrc=2)
    await bus.publish([(METRICS, slices_measured(*pair)) for pair in zip(caller, callee, strict=True)])
    await bus.publish(
        [(CALLS, call_started(call_id=CALL_ID, at=at)), (CALLS, call_answered(call_id=CALL_ID, at=at + 2))]
    )
    if not ended:
        return
    part = caller[-1].model_dump(exclude={"interval", "total", "duration_s", "impaired", "started_at"})
    report = StreamReport(**part, started_at=at + 2, ended_at=at + 10, mos_min=3.0, total=measures(420, 21))
    ended_stream = StreamEnded(at=at + 10, worker="worker-1", call_id=CALL_ID, report=report)
    await bus.publish([(METRICS, ended_stream), (CALLS, call_ended(call_id=CALL_ID, at=at + 10))])


async def the_call(api, state: str):
    async def found():
        answer = await api.client.get(PATH)
        return answer.status_code == 200 and answer.json()["state"] == state and answer.json()

    return await eventually(found)


async def test_a_call_is_listed_with_the_very_numbers_that_were_measured(api, bus):
    await publish_a_call(bus, start_of_row(), ended=True)
    await the_call(api, "ended")

    (call,) = (await api.get("/api/v1/calls", state="ended"))["items"]

    caller, callee = call["directions"]["caller"], call["directions"]["callee"]
    assert (caller["packets_expected"], caller["packets_received"], caller["packets_lost"]) == (420, 399, 21)
    assert (caller["loss_percent"], caller["mos"], caller["mos_min"]) == (5.0, 4.41, 3.0)
    assert (callee["packets_expected"], callee["packets_lost"], callee["loss_percent"]) == (400, 0, 0.0)
    assert (call["call_id"], call["mos"], call["duration_s"], call["codec"]) == (CALL_ID, 4.41, 8.0, "PCMA")
    assert (call["final_code"], call["hangup_by"], call["flags"]) == (200, "caller", [])
    assert callee["delay_ms"] is None


async def test_one_call_shows_its_streams(api, bus):
    await publish_a_call(bus, start_of_row(), ended=True)

    call = await the_call(api, "ended")

    assert [(stream["direction"], stream["ssrc"]) for stream in call["streams"]] == [("callee", 2), ("caller", 1)]
    assert call["streams"][1]["total"]["packets_lost"] == 21
    assert call["streams"][1]["ended_at"].endswith("Z")
    assert call["verdict"] is None


async def test_one_call_says_who_is_to_blame(api, bus):
    async def verdict():
        return (await api.get(PATH))["verdict"]

    await publish_a_call(bus, start_of_row(), ended=True)
    await the_call(api, "ended")

    await bus.publish([(METRICS, call_judged(call_id=CALL_ID, final=True))])

    judged = await eventually(verdict)
    assert (judged["rating"], judged["words"], judged["findings"]) == ("good", "The call is good.", [])


async def test_an_ended_call_has_rows_of_five_seconds(api, bus):
    await publish_a_call(bus, start_of_row(), ended=True)
    await the_call(api, "ended")

    slices = (await api.get(f"{PATH}/slices"))["items"]

    assert [row["duration_s"] for row in slices if row["direction"] == "caller"] == [3.0, 5.0]
    assert sum(row["packets_lost"] for row in slices) == 16
    assert [row["started_at"] for row in slices] == sorted(row["started_at"] for row in slices)


async def test_a_live_call_is_shown_second_by_second(api, bus):
    await publish_a_call(bus, start_of_row(), ended=False)
    await the_call(api, "live")

    async def complete():
        items = (await api.get(f"{PATH}/slices"))["items"]
        return items if len(items) == 16 else None

    slices = await eventually(complete)
    assert {row["duration_s"] for row in slices} == {1.0}
    assert sum(row["packets_expected"] for row in slices) == 800


async def test_the_ladder_is_kept(api, bus):
    at = time.time()
    fields = {"call_id": CALL_ID, "transport": "udp", "local": "192.0.2.9:5060", "remote": "192.0.2.1:5060"}
    invite = SipMessageSeen(at=at, direction="received", method="INVITE", cseq=1, text="INVITE sip:999\r\n", **fields)
    trying = SipMessageSeen(
        at=at + 0.1, direction="sent", method="INVITE", cseq=1, status=100, reason_phrase="Trying", text="…", **fields
    )
    await bus.publish([(SIP, trying), (SIP, invite)])

    async def both():
        answer = await api.client.get(f"{PATH}/messages")
        return answer.status_code == 200 and len(answer.json()["items"]) == 2 and answer.json()

    ladder = await eventually(both)
    assert [(each["method"], each["status"]) for each in ladder["items"]] == [("INVITE", None), ("INVITE", 100)]
    assert ladder["items"][0]["text"] == "INVITE sip:999\r\n"
    assert ladder["truncated"] is False


async def test_pages_follow_each_other(api, bus):
    at = time.time()
    await bus.publish([(CALLS, call_started(call_id=f"call-{n}", at=at + n // 3)) for n in range(7)])

    async def all_there():
        return len((await api.get("/api/v1/calls"))["items"]) == 7

    await eventually(all_there)
    seen, cursor = [], None
    while True:
        page = await api.get("/api/v1/calls", limit=3, **({"cursor": cursor} if cursor else {}))
        seen += [call["call_id"] for call in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break

    assert sorted(seen) == [f"call-{n}" for n in range(7)]
    assert seen[0] == "call-6"


async def test_a_cursor_belongs_to_its_order(api, bus):
    at = time.time()
    await bus.publish([(CALLS, call_started(call_id=f"call-{number}", at=at + number)) for number in range(3)])

    async def stored():
        page = await api.get("/api/v1/calls", limit=2, sort="callee")
        return page if page["next_cursor"] else None

    page = await eventually(stored)
    rest = await api.get("/api/v1/calls", limit=2, sort="callee", cursor=page["next_cursor"])

    assert len(page["items"]) + len(rest["items"]) == 3
    for sort, cursor in (("mos", page["next_cursor"]), ("callee", "e30="), ("callee", "WyJjYWxsZWUiLCAxLCAyXQ==")):
        answer = await api.client.get("/api/v1/calls", params={"sort": sort, "cursor": cursor})
        assert (answer.status_code, answer.json()["status"]) == (400, 400)


async def test_lists_are_exported_as_csv_and_json(api, bus):
    at = time.time()
    await publish_a_call(bus, at - 20, ended=True)

    async def listed():
        return (await api.get("/api/v1/calls", state="ended"))["items"]

    items = await eventually(listed)
    exported = await api.get("/api/v1/calls.json", state="ended", sort="mos")
    table = await api.client.get("/api/v1/calls.csv", params={"state": "ended"})

    assert exported == items
    (row,) = csv.DictReader(io.StringIO(table.text, newline=""))
    assert (row["call_id"], row["caller_packets_lost"]) == (CALL_ID, str(caller_of(items)["packets_lost"]))
    assert table.headers["content-disposition"] == 'attachment; filename="calls.csv"'
    assert await api.get("/api/v1/calls.json", state="live") == []


def caller_of(items):
    return items[0]["directions"]["caller"]


async def test_what_is_kept_is_told(api):
    storage = await api.get("/api/v1/storage")

    assert storage["database"] == "sqlite"
    assert storage["size_bytes"] > 0
    assert {kind["kind"]: kind["keep_days"] for kind in storage["kinds"]}["calls"] == 365


async def test_gateways_are_listed_with_their_probes(api, bus):
    at = time.time()
    fields = {"aor": "a@h", "contact": "sip:a@192.0.2.1", "source": "192.0.2.1:5060", "transport": "udp"}
    await bus.publish(
        [
            (GATEWAYS, GatewayProbed(**fields, at=at - 60, code=200, rtt_ms=12.5)),
            (GATEWAYS, GatewayUp(**fields, at=at - 60, rtt_ms=12.5)),
            (GATEWAYS, GatewayProbed(**fields, at=at - 30)),
            (GATEWAYS, GatewayDown(**fields, at=at - 29, lost=3, last_answer_at=at - 60)),
        ]
    )

    async def listed():
        items = (await api.get("/api/v1/gateways"))["items"]
        return items if items and items[0]["state"] == "down" else None

    (gateway,) = await eventually(listed)
    probes = (await api.get("/api/v1/gateways/probes", aor="a@h", contact="sip:a@192.0.2.1"))["items"]

    assert (gateway["aor"], gateway["code"], gateway["rtt_ms"]) == ("a@h", None, None)
    assert gateway["answered_at"] < gateway["state_since"]
    assert [(probe["code"], probe["rtt_ms"]) for probe in probes] == [(None, None), (200, 12.5)]


async def test_devices_are_listed(api, bus):
    now = time.time()
    event = DeviceRegistered(
        at=now,
        aor="a@example.com",
        contact="sip:a@192.0.2.1",
        source="192.0.2.1:5060",
        transport="udp",
        expires_at=now + 60,
    )
    await bus.publish([(REGISTRATIONS, event)])

    async def listed():
        return (await api.get("/api/v1/registrations"))["items"]

    (device,) = await eventually(listed)
    assert (device["aor"], device["state"], device["transport"]) == ("a@example.com", "registered", "udp")


async def test_security_events_are_listed_newest_first(api, bus):
    now = time.time()
    events = [InvalidPassword(at=now + n, source="192.0.2.66:5060", transport="udp", account="x") for n in range(3)]
    await bus.publish([(SECURITY, event) for event in events])

    async def listed():
        items = (await api.get("/api/v1/security-events", limit=2))["items"]
        return len(items) == 2 and items

    found = await eventually(listed)
    assert found[0]["type"] == "InvalidPassword"
    assert found[0]["at"] > found[1]["at"]


async def test_workers_and_services_are_listed(api, redis):
    status = WorkerStatus(
        worker="worker-1", at=time.time(), address="127.0.0.1", port_min=1024, port_max=1124, capacity=10, load=3
    )
    await Workers(redis).announce(status)

    async def both():
        services = (await api.get("/api/v1/services"))["items"]
        own = next(each for each in services if each["service"] == "api")
        return own["alive"] and services

    services = await eventually(both)
    assert {each["service"]: each["alive"] for each in services} == {
        "api": True,
        "rtp-analyzer": False,
        "sip-proxy": False,
    }
    (worker,) = (await api.get("/api/v1/workers"))["items"]
    assert (worker["worker"], worker["load"]) == ("worker-1", 3)
    assert worker["at"].endswith("Z")


async def test_readiness_names_what_is_missing(api):
    answer = await api.client.get("/readyz")

    assert answer.status_code == 503
    assert answer.json() == {
        "ok": ["database", "broker"],
        "failing": {"sip-proxy": "no heartbeat", "rtp-analyzer": "no heartbeat"},
    }


async def test_errors_are_problem_details(api):
    expected = {
        "/api/v1/calls/nobody": 404,
        "/api/v1/calls/nobody/slices": 404,
        "/api/v1/calls/nobody/messages": 404,
        "/api/v1/calls?limit=0": 422,
        "/api/v1/calls?cursor=%00": 400,
        "/api/v1/calls?cursor=W10=": 400,
        "/api/v1/calls?since=yesterday": 422,
        "/api/v1/nothing": 404,
        "/nothing": 404,
    }

    answers = {path: await api.client.get(path) for path in expected}

    assert {path: answer.status_code for path, answer in answers.items()} == expected
    assert {answer.headers["content-type"] for answer in answers.values()} == {"application/problem+json"}
    assert all(answer.json()["status"] == answer.status_code for answer in answers.values())


async def test_every_route_is_described(api):
    schema = await api.get("/api/v1/openapi.json")

    operations = [operation for path in schema["paths"].values() for operation in path.values()]
    assert all(operation["summary"] and operation["description"] for operation in operations)
    assert "Problem" in schema["components"]["schemas"]
