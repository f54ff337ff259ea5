"""Lists of calls: page after page, narrowed down, newest first."""

from collections.abc import Iterable

import pytest

from api.store import queries
from api.store.queries import CallFilter
from shared.events import Quality
from shared.testing import AT, call_ended, call_started, measures, slice_of, slices_measured
from tests.unit.api.deliveries import delivered


def _all_ids(found: Iterable[queries.CallSummary]) -> list[str]:
    return [each.signalling.call_id for each in found]


async def test_pages_follow_each_other_without_gap_or_repetition(ingest, database):
    # Several calls at the very same moment, and names that sort oddly.
    started = [call_started(call_id=f"{'%/é'[n % 3]}-{n}", at=AT + n // 4) for n in range(23)]
    await ingest.store([delivered(event) for event in started])
    seen: list[str] = []
    after = None

    async with database.reading() as connection:
        while page := await queries.list_calls(connection, CallFilter(), 5, after):
            seen += _all_ids(page)
            after = page[-1].signalling.started_at, page[-1].signalling.call_id

    assert len(seen) == 23
    assert set(seen) == {event.call_id for event in started}
    assert seen == sorted(seen, key=lambda each: (AT + int(each.split("-")[1]) // 4, each), reverse=True)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (CallFilter(), ["good", "bad", "early"]),
        (CallFilter(live=True), ["good", "bad"]),
        (CallFilter(live=False), ["early"]),
        (CallFilter(text="ALICE"), ["good"]),
        (CallFilter(text="%"), []),
        (CallFilter(mos_below=4.0), ["bad"]),
        (CallFilter(codec="G729"), ["bad"]),
        (CallFilter(since=AT), ["good", "bad"]),
        (CallFilter(until=AT + 1), ["bad", "early"]),
    ],
)
async def test_lists_are_narrowed_down(ingest, database, wanted, found):
    poor = measures(quality=Quality(grounding="standard", mos=2.5, r_factor=50.0))
    events = [
        call_started(call_id="early", at=AT - 10, caller="zoe@example.com"),
        call_ended(call_id="early", at=AT - 5),
        call_started(call_id="bad", caller="carol@example.com"),
        slices_measured(slice_of(call_id="bad", codec="G729", total=poor)),
        call_started(call_id="good", at=AT + 1),
        slices_measured(slice_of(call_id="good")),
    ]
    await ingest.store([delivered(event) for event in events])

    async with database.reading() as connection:
        page = await queries.list_calls(connection, wanted, 10)

    assert _all_ids(page) == found


async def test_recent_calls_are_the_live_ones_and_those_that_just_ended(ingest, database):
    events = [
        call_started(call_id="live"),
        call_started(call_id="forgotten", at=AT - 90_000),
        call_started(call_id="recent"),
        call_ended(call_id="recent", at=AT + 50),
        call_started(call_id="old"),
        call_ended(call_id="old", at=AT + 10),
    ]
    await ingest.store([delivered(event) for event in events])

    async with database.reading() as connection:
        found = await queries.recent_calls(connection, AT + 20, AT - 86_400, 10)

    assert set(found) == {"live", "recent"}
