"""What each client is handed: a snapshot first, then deltas, and a snapshot again when it was too slow."""

import asyncio
import json
from typing import Any

import pytest

from api import feed as feeds
from api.feed import LiveFeed
from api.live import LiveState
from shared.broker import Bus
from shared.broker.connection import connect
from shared.testing import AT, call_started


@pytest.fixture
def feed():
    return LiveFeed(Bus(connect("redis://127.0.0.1:1/0")), LiveState({}, [], AT), {}, lambda: AT, lambda event: None)


async def received(subscriber) -> dict[str, Any]:
    async with asyncio.timeout(5):
        message: dict[str, Any] = json.loads(await subscriber.next())
        return message


async def test_a_client_begins_with_a_snapshot(feed):
    feed.state.apply(call_started())

    with feed.subscribe() as subscriber:
        message = await received(subscriber)

    assert message["type"] == "snapshot"
    assert [call["call_id"] for call in message["calls"]] == ["call-1"]


async def test_deltas_come_in_their_order(feed):
    with feed.subscribe() as subscriber:
        await received(subscriber)
        for text in ('{"seq": 1}', '{"seq": 2}'):
            subscriber.offer(text)

        assert [(await received(subscriber))["seq"] for _ in range(2)] == [1, 2]


async def test_a_slow_client_gets_a_fresh_snapshot_instead_of_old_deltas(feed):
    with feed.subscribe() as subscriber:
        await received(subscriber)
        for number in range(feeds.QUEUE + 3):
            subscriber.offer(json.dumps({"seq": number}))

        assert (await received(subscriber))["type"] == "snapshot"
        subscriber.offer('{"seq": 99}')
        assert (await received(subscriber))["seq"] == 99


async def test_a_quiet_line_is_kept_alive(feed, monkeypatch):
    monkeypatch.setattr(feeds, "PING_S", 0.01)
    with feed.subscribe() as subscriber:
        await received(subscriber)

        assert (await received(subscriber))["type"] == "ping"


async def test_a_client_that_left_is_forgotten(feed):
    with feed.subscribe():
        assert feed.clients == 1

    assert feed.clients == 0
