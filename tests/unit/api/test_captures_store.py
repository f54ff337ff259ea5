"""Captures in both kinds of database: listed by pages, settled once, forgotten in time."""

from dataclasses import replace

from api.retention import DAY_S
from api.shapes import CaptureView
from api.store import captures
from shared.testing import AT
from tests.unit.api.test_retention import keep


def capture(capture_id: str, uploaded_at: float = AT) -> CaptureView:
    return CaptureView(
        capture_id, f"{capture_id}.pcap", "admin", uploaded_at, 5 << 30, "queued", None, None, None, None
    )


async def added(database, *views: CaptureView) -> None:
    async with database.writing() as connection:
        for view in views:
            await captures.add(connection, view, "api-1")


async def test_pages_have_no_gap_although_two_came_at_the_same_moment(database):
    await added(database, capture("a"), capture("b"), capture("c", AT - 1))

    async with database.reading() as connection:
        first = await captures.page(connection, 1, None)
        rest = await captures.page(connection, 5, (first[0].uploaded_at, first[0].capture_id))

    assert [one.capture_id for one in first + rest] == ["b", "a", "c"]
    assert first[0] == capture("b")


async def test_a_settled_capture_has_its_report_and_is_under_way_no_more(database):
    await added(database, capture("a"), capture("b"))
    done = replace(capture("a"), state="done", progress=1.0, finished_at=AT + 9, streams=2)

    async with database.writing() as connection:
        await captures.settle(connection, done, '{"name": "a.pcap"}')

    async with database.reading() as connection:
        assert await captures.one(connection, "a") == (done, '{"name": "a.pcap"}')
        assert await captures.under_way(connection, "api-1") == [capture("b")]
        assert await captures.under_way(connection, "api-2") == []


async def test_settling_a_capture_that_was_deleted_brings_nothing_back(database):
    await added(database, capture("a"))

    async with database.writing() as connection:
        assert await captures.drop(connection, "a")
        await captures.settle(connection, replace(capture("a"), state="done"), "{}")

    async with database.reading() as connection:
        assert await captures.one(connection, "a") is None
    async with database.writing() as connection:
        assert not await captures.drop(connection, "a")


async def test_captures_go_when_their_time_is_over(database):
    await added(database, capture("old", AT - 91 * DAY_S), capture("new"))

    await keep(database, AT, captures=90)

    async with database.reading() as connection:
        assert await captures.known(connection, ["old", "new"]) == {"new"}
