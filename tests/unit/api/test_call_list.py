"""Lists of calls: page after page, narrowed down, newest first."""

from collections.abc import Iterable

import pytest
from sqlalchemy import select

from api.store import call_list, queries, tables
from api.store.call_list import CallFilter, CallSummary, Order, Position, list_calls
from api.store.tables import CALL_ORDERS
from shared.events import Quality
from shared.testing import AT, call_answered, call_ended, call_started, measures, slice_of, slices_measured
from tests.unit.api.deliveries import delivered


def _all_ids(found: Iterable[CallSummary]) -> list[str]:
    return [each.signalling.call_id for each in found]


async def test_pages_follow_each_other_without_gap_or_repetition(ingest, database):
    # Several calls at the very same moment, and names that sort oddly.
    started = [call_started(call_id=f"{'%/é'[n % 3]}-{n}", at=AT + n // 4) for n in range(23)]
    await ingest.store([delivered(event) for event in started])
    seen = await _pages(database, Order())

    assert len(seen) == 23
    assert set(seen) == {event.call_id for event in started}
    assert [int(each.split("-")[1]) for each in seen] == list(reversed(range(23)))


async def _pages(database, order: Order, size: int = 5) -> list[str]:
    seen: list[str] = []
    after: Position | None = None
    while True:
        async with database.reading() as connection:
            page = await list_calls(connection, CallFilter(), size, order, after)
        seen += _all_ids(page.items)
        if page.end is None:
            return seen
        after = page.end


async def test_every_column_orders_the_list_and_unknown_values_come_last(ingest, database):
    for number in range(7):
        await ingest.store([delivered(event) for event in _various(number)])
    async with database.reading() as connection:
        stored = {row.call_id: row for row in await connection.execute(select(tables.calls))}

    seen = {
        (column, descending): await _pages(database, Order(column, descending), 2)
        for column in CALL_ORDERS
        for descending in (True, False)
    }

    for (column, descending), call_ids in seen.items():
        values = [getattr(stored[call_id], column) for call_id in call_ids]
        known = [value for value in values if value is not None]
        assert sorted(call_ids) == sorted(stored), column
        assert values == sorted(known, reverse=descending) + [None] * (len(values) - len(known)), column


def _various(number: int):
    call_id = f"call-{number}"
    yield call_started(call_id=call_id, at=AT + number, caller=f"{number % 3}@h", callee=f"{5 - number}@h")
    if number % 3:
        yield call_answered(call_id=call_id, at=AT + 10 - number, codec=["PCMA", "G729"][number % 2])
        parts = [slice_of(call_id=call_id, total=measures(50, number, jitter_ms=1.0 * number))]
        if number % 2:
            parts.append(slice_of(call_id=call_id, direction="callee", total=measures(50, 7 - number)))
        yield slices_measured(*parts)
    if number != 5:
        yield call_ended(
            call_id=call_id, at=AT + 20, final_code=200 + number % 2, hangup_by=["caller", None][number % 2]
        )


async def test_a_text_that_most_calls_have_is_found_as_one_that_few_have(ingest, database, monkeypatch):
    monkeypatch.setattr(call_list, "RARE", 3)
    events = [call_started(call_id=f"call-{number}", at=AT + number, callee=f"39{number}@h") for number in range(9)]
    await ingest.store([delivered(event) for event in events])

    async with database.reading() as connection:
        many = await list_calls(connection, CallFilter(text="alice@EXAMPLE"), 20)
        few = await list_calls(connection, CallFilter(text="395@H"), 20)
        short = await list_calls(connection, CallFilter(text="95"), 20)

    assert len(many.items) == 9
    assert _all_ids(few.items) == _all_ids(short.items) == ["call-5"]


async def test_a_callee_that_is_told_later_is_found(ingest, database):
    await ingest.store([delivered(slices_measured(slice_of()))])
    await ingest.store([delivered(call_started(callee="3905512345@example.com"))])

    async with database.reading() as connection:
        found = await list_calls(connection, CallFilter(text="512345"), 20)

    assert _all_ids(found.items) == ["call-1"]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (CallFilter(), ["good", "bad", "early"]),
        (CallFilter(live=True), ["good", "bad"]),
        (CallFilter(live=False), ["early"]),
        (CallFilter(text="ALICE"), ["good"]),
        (CallFilter(text="%"), []),
        (CallFilter(mos_below=4.0), ["bad"]),
        (CallFilter(text="lic"), ["good"]),
        (CallFilter(text='"OR"'), []),
        (CallFilter(text="_lice"), []),
        (CallFilter(codec="G729"), ["bad"]),
        (CallFilter(gateway="carol@example.com"), ["bad"]),
        (CallFilter(gateway="bob@example.com"), ["good", "bad", "early"]),
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
        page = await list_calls(connection, wanted, 10)

    assert _all_ids(page.items) == found


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
