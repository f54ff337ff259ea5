"""The WebSocket: what is published is on the page within a moment, and after a restart still is."""

import asyncio
import time
from typing import Any

import pytest

from shared.events import CALLS, METRICS, REGISTRATIONS, DeviceRegistered
from shared.testing import call_answered, call_ended, call_started, measures, slice_of, slices_measured
from tests.integration.api_running import eventually, message, running_api

pytestmark = pytest.mark.integration


@pytest.fixture
async def api(broker, redis, tmp_path):
    async with running_api(broker.url, tmp_path) as api:
        yield api


async def test_a_call_comes_up_with_its_numbers(api, bus):
    now = time.time()
    async with api.websocket() as websocket:
        snapshot = await message(websocket, "snapshot")
        await bus.publish([(CALLS, call_started(at=now)), (CALLS, call_answered(at=now + 1))])
        await bus.publish(
            [(METRICS, slices_measured(slice_of(started_at=now, interval=measures(50, 3), total=measures(100, 5))))]
        )

        calls: dict[str, Any] = {}
        slices: list[dict[str, Any]] = []
        while not slices:
            delta = await message(websocket, "delta")
            calls.update({call["call_id"]: call for call in delta["calls"]})
            slices += delta["slices"]

    assert (snapshot["calls"], snapshot["registrations"]) == ([], [])
    assert calls["call-1"]["directions"]["caller"]["packets_lost"] == 5
    assert calls["call-1"]["directions"]["caller"]["loss_percent"] == 5.0
    assert (slices[0]["call_id"], slices[0]["packets_expected"], slices[0]["packets_lost"]) == ("call-1", 50, 3)


async def test_deltas_come_four_times_a_second_at_most(api, bus):
    async with api.websocket() as websocket:
        await message(websocket, "snapshot")
        began = time.monotonic()
        for number in range(40):
            await bus.publish([(CALLS, call_started(call_id=f"call-{number}", at=time.time()))])
            await asyncio.sleep(0.01)
        seen: set[str] = set()
        messages = 0
        while len(seen) < 40:
            seen |= {call["call_id"] for call in (await message(websocket, "delta"))["calls"]}
            messages += 1

    assert messages <= 1 + (time.monotonic() - began) / 0.25


async def test_a_device_comes_up(api, bus):
    now = time.time()
    event = DeviceRegistered(
        at=now,
        aor="a@example.com",
        contact="sip:a@192.0.2.1",
        source="192.0.2.1:5060",
        transport="udp",
        expires_at=now + 60,
    )
    async with api.websocket() as websocket:
        await message(websocket, "snapshot")
        await bus.publish([(REGISTRATIONS, event)])

        delta = await message(websocket, "delta")

    assert [(device["aor"], device["state"]) for device in delta["registrations"]] == [("a@example.com", "registered")]


async def test_what_a_client_says_is_ignored(api, bus):
    async with api.websocket() as websocket:
        await message(websocket, "snapshot")
        for _ in range(20):
            await websocket.send("x" * 1000)
        await bus.publish([(CALLS, call_started(at=time.time()))])

        assert (await message(websocket, "delta"))["calls"][0]["call_id"] == "call-1"


async def test_live_calls_are_still_there_after_a_restart(broker, redis, bus, tmp_path):
    now = time.time()
    async with running_api(broker.url, tmp_path) as api:
        await bus.publish([(CALLS, call_started(at=now)), (CALLS, call_answered(at=now))])
        await bus.publish([(METRICS, slices_measured(slice_of(started_at=now, total=measures(100, 5))))])

        async def stored():
            items = (await api.get("/api/v1/calls"))["items"]
            return items and items[0]["directions"]["caller"]["packets_lost"] == 5

        await eventually(stored)
    await redis.flushdb()
    await bus.publish([(CALLS, call_started(call_id="while-away", at=now + 1))])

    async with running_api(broker.url, tmp_path) as api:

        async def both():
            async with api.websocket() as websocket:
                calls = (await message(websocket, "snapshot"))["calls"]
            return len(calls) == 2 and calls

        calls = await eventually(both)
        await bus.publish([(CALLS, call_ended(at=now + 5))])

        async def ended():
            return (await api.get("/api/v1/calls", state="ended"))["items"]

        assert [call["call_id"] for call in await eventually(ended)] == ["call-1"]

    assert [call["call_id"] for call in calls] == ["while-away", "call-1"]
    assert calls[1]["directions"]["caller"]["packets_lost"] == 5


async def test_the_service_stops_at_once_with_clients_connected(broker, redis, tmp_path):
    async with running_api(broker.url, tmp_path) as api:
        sockets = [await api.websocket() for _ in range(3)]
        for each in sockets:
            await message(each, "snapshot")
        began = time.monotonic()

    assert time.monotonic() - began < 3
    for each in sockets:
        await each.wait_closed()
        assert each.close_code == 1012


async def test_signing_out_ends_the_push(api, bus, monkeypatch):
    monkeypatch.setattr("api.routes.live.RECHECK_S", 0.0)
    async with api.websocket() as websocket:
        await message(websocket, "snapshot")
        await api.client.delete("/api/v1/session")
        await bus.publish([(CALLS, call_started(at=time.time()))])

        async with asyncio.timeout(10):
            await websocket.wait_closed()

    assert websocket.close_code == 4401
