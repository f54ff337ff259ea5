"""Key performance indicators as both databases count them."""

import random
from dataclasses import fields, replace

import pytest

from api.kpis import Counts, Measured, PostDialDelay
from api.store import kpis
from api.store.kpis import ALL, KpiFilter, measured
from shared.events import CallRinging, Event, Quality
from shared.testing import AT, call_answered, call_ended, call_started, measures, slice_of, slices_measured
from tests.unit.api.deliveries import delivered

HOUR = 3600
NOTHING = Measured(judged_s=0.0)
BEGIN = AT // HOUR * HOUR  # of an hour
DAY = KpiFilter(BEGIN, BEGIN + 24 * HOUR, good_time=True)


def call(call_id, at, *, rang=None, answered=None, ended=None, code=200, codec="PCMA", **start):
    """The events of a call; times in seconds after it began."""
    events: list[Event] = [call_started(call_id=call_id, at=at, **start)]
    if rang is not None:
        events.append(CallRinging(call_id=call_id, at=at + rang, code=180))
    if answered is not None:
        events.append(call_answered(call_id=call_id, at=at + answered, codec=codec))
    if ended is not None:
        events.append(call_ended(call_id=call_id, at=at + ended, final_code=code))
    return events


def heard(call_id, at, mos, *, impaired=False, direction="caller", seconds=5):
    quality = Quality(grounding="standard", mos=mos, r_factor=80.0)
    return [
        slices_measured(
            *(
                slice_of(
                    call_id=call_id,
                    direction=direction,
                    started_at=at + second,
                    impaired=impaired,
                    interval=measures(50, quality=quality),
                    total=measures(50 * (second + 1), quality=quality),
                )
                for second in range(seconds)
            )
        )
    ]


async def stored(ingest, *events):
    await ingest.store([delivered(event) for group in events for event in group])


async def total_of(database, wanted=DAY) -> Measured:
    async with database.reading() as connection:
        return (await measured(connection, wanted, "none"))[ALL]


async def groups_of(database, by, wanted=DAY, only=None):
    async with database.reading() as connection:
        return await measured(connection, wanted, by, only)


async def test_an_empty_database_has_empty_figures(database):
    async with database.reading() as connection:
        oldest = await kpis.oldest_start(connection)

    assert oldest is None
    assert await total_of(database) == NOTHING
    assert await groups_of(database, "codec") == await groups_of(database, "gateway") == {}
    assert await groups_of(database, "hour") == {BEGIN // HOUR + n: NOTHING for n in range(24)}


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ({"rang": 1, "answered": 2, "ended": 62}, {"answered": 1, "completed": 1, "talk_s": 60.0}),
        ({"answered": 2, "ended": 7}, {"answered": 1, "completed": 1, "short": 1, "talk_s": 5.0}),
        ({"answered": 2}, {"answered": 1}),
        ({"rang": 1}, {"pending": 1}),
        ({"ended": 1, "code": 486}, {"delivered": 1, "of_the_user": 1}),
        ({"ended": 1, "code": 603}, {"delivered": 1, "of_the_user": 1}),
        ({"ended": 1, "code": 607}, {"delivered": 1}),
        ({"rang": 1, "ended": 30, "code": 487}, {"delivered": 1}),
        ({"rang": 1, "ended": 30, "code": 408}, {"delivered": 1}),
        ({"ended": 30, "code": 487}, {}),
        ({"ended": 30, "code": 408}, {}),
        ({"ended": 1, "code": 503}, {}),
        ({"ended": 1, "code": None}, {}),
        ({"ended": 1, "code": 302}, {"recoverable": 1}),
        ({"ended": 1, "code": 407}, {"recoverable": 1}),
    ],
)
async def test_an_attempt_counts_by_how_it_went(ingest, database, told, expected):
    await stored(ingest, call("one", BEGIN, **told))

    assert (await total_of(database)).counts == Counts(attempts=1, **expected)


async def test_a_second_attempt_under_the_same_call_id_counts_once(ingest, database):
    await stored(
        ingest,
        call("one", BEGIN, ended=1, code=422),
        call("one", BEGIN + 2, answered=3, ended=63),
    )

    assert (await total_of(database)).counts == Counts(attempts=1, answered=1, completed=1, talk_s=60.0)


async def test_calls_outside_of_the_interval_are_not_counted(ingest, database):
    await stored(
        ingest,
        call("before", BEGIN - 0.001, ended=1),
        call("first", BEGIN, ended=1),
        call("after", BEGIN + 24 * HOUR, ended=1),
    )

    assert (await total_of(database)).counts.attempts == 1


async def test_what_only_the_media_told_of_is_no_attempt(ingest, database):
    await stored(ingest, heard("one", BEGIN, 4.2))

    assert (await total_of(database)).counts.attempts == 0


async def test_calls_to_test_extensions_count_only_when_asked_for(ingest, database):
    await stored(ingest, call("one", BEGIN, answered=1, ended=9, extension="999"))

    without, with_them = await total_of(database), await total_of(database, replace(DAY, test_calls=True))

    assert (without.counts.attempts, with_them.counts.attempts) == (0, 1)


async def test_post_dial_delay_is_by_the_nearest_rank(ingest, database):
    ringing = [call(f"call-{n}", BEGIN + n, rang=float(n)) for n in range(1, 21)]
    await stored(ingest, *ringing, call("silent", BEGIN, answered=1))

    assert (await total_of(database)).pdd == PostDialDelay(20, 10.0, 19.0)


async def test_one_delay_is_both_percentiles(ingest, database):
    await stored(ingest, call("one", BEGIN, rang=2.5))

    assert (await total_of(database)).pdd == PostDialDelay(1, 2.5, 2.5)


@pytest.mark.parametrize(
    ("mos", "band"),
    [
        (4.4, "best"),
        (4.335, "best"),
        (4.33, "high"),
        (4.025, "high"),
        (4.02, "medium"),
        (3.595, "medium"),
        (3.59, "low"),
        (3.09, "poor"),
        (2.57, "bad"),
        (1.0, "bad"),
    ],
)
async def test_a_call_is_in_the_band_that_its_score_is_shown_in(ingest, database, mos, band):
    await stored(ingest, call("one", BEGIN, answered=1), heard("one", BEGIN + 1, mos))

    counts = (await total_of(database)).counts
    assert counts == Counts(attempts=1, answered=1, **{band: 1})


async def test_a_call_is_judged_by_its_worse_direction(ingest, database):
    await stored(
        ingest,
        call("one", BEGIN, answered=1),
        heard("one", BEGIN + 1, 4.4),
        heard("one", BEGIN + 1, 2.0, direction="callee"),
    )

    assert (await total_of(database)).counts == Counts(attempts=1, answered=1, bad=1)


async def test_good_time_is_weighted_by_how_long_it_lasts(ingest, database):
    await stored(
        ingest,
        call("one", BEGIN, answered=1),
        heard("one", BEGIN, 4.2, seconds=5),
        heard("one", BEGIN + 5, 3.0, seconds=2),
        heard("one", BEGIN, 4.2, direction="callee", seconds=3),
    )

    found = await total_of(database)

    assert (found.judged_s, found.good_s) == (10.0, 8.0)


async def test_good_time_is_counted_only_when_asked_for(ingest, database):
    await stored(ingest, call("one", BEGIN, answered=1), heard("one", BEGIN, 4.2))

    found = await total_of(database, replace(DAY, good_time=False))

    assert (found.judged_s, found.counts.high) == (None, 1)


async def test_what_our_own_overload_spoiled_has_no_score(ingest, database):
    await stored(ingest, call("one", BEGIN, answered=1), heard("one", BEGIN + 1, 2.0, impaired=True))

    found = await total_of(database)

    assert (found.judged_s, found.counts) == (0.0, Counts(attempts=1, answered=1))


async def test_calls_at_a_time_are_counted_from_invite_to_end(ingest, database):
    await stored(
        ingest,
        call("from-before", BEGIN - 600, answered=5, ended=610),
        call("over-before", BEGIN - 600, answered=5, ended=599),
        call("second", BEGIN + 5, ended=20),
        call("third", BEGIN + 25, ended=30),
        call("goes-on", BEGIN + 26),
    )

    assert (await total_of(database)).concurrent_max == 2


async def test_a_call_that_follows_another_at_once_is_not_at_the_same_time(ingest, database):
    await stored(ingest, call("one", BEGIN, ended=10), call("two", BEGIN + 10, ended=10))

    assert (await total_of(database)).concurrent_max == 1


async def test_each_hour_has_the_calls_that_went_on_in_it(ingest, database):
    await stored(
        ingest,
        call("long", BEGIN + 1800, ended=2 * HOUR),
        call("short", BEGIN + 1900, ended=10),
        call("late", BEGIN + 4 * HOUR, ended=10),
    )

    found = await groups_of(database, "hour", replace(DAY, until=BEGIN + 5 * HOUR))

    assert [each.counts.attempts for each in found.values()] == [2, 0, 0, 0, 1]
    assert [each.concurrent_max for each in found.values()] == [2, 1, 1, 0, 1]


async def _much(ingest) -> None:
    chance = random.Random(4)
    people = [f"{name}@example.com" for name in ("alice", "bob", "gateway")]
    events = []
    for number in range(60):
        at = BEGIN + chance.random() * 5 * HOUR
        answered = chance.choice([None, 3.0])
        events.append(
            call(
                f"call-{number}",
                at,
                rang=chance.choice([None, chance.random() * 3]),
                answered=answered,
                ended=chance.choice([None, 5.0, 900.0, 4000.0]),
                code=200 if answered else chance.choice([302, 407, 480, 486, 487, 503]),
                codec=chance.choice(["PCMA", "OPUS", None]),
                caller=chance.choice(people),
                callee=chance.choice(people),
            )
        )
        if answered:
            events.append(heard(f"call-{number}", at + 3, chance.choice([2.0, 3.3, 4.2]), seconds=chance.randrange(9)))
    await stored(ingest, *(each for each in events if each))


def added(groups):
    counts = [sum(getattr(each.counts, field.name) or 0 for each in groups.values()) for field in fields(Counts)]
    return (
        *counts,
        sum(each.pdd.n for each in groups.values()),
        sum(each.judged_s for each in groups.values()),
        sum(each.good_s for each in groups.values()),
    )


@pytest.mark.parametrize("by", ["hour", "codec"])
async def test_the_groups_add_up_to_the_total(ingest, database, by):
    await _much(ingest)

    total, groups = await total_of(database), await groups_of(database, by)

    assert total.counts.attempts == 60
    assert len(groups) > 2
    assert added(groups) == pytest.approx(added({ALL: total}))


async def test_the_highest_of_the_hours_is_the_highest_of_all(ingest, database):
    await _much(ingest)

    total, hours = await total_of(database), await groups_of(database, "hour")

    assert max(each.concurrent_max for each in hours.values()) == total.concurrent_max > 5


@pytest.mark.parametrize("by", ["codec", "gateway"])
async def test_a_group_is_what_the_filter_finds(ingest, database, by):
    await _much(ingest)
    groups = await groups_of(database, by)

    alone = {group: await total_of(database, replace(DAY, **{by: group})) for group in groups if group}

    assert len(alone) >= 2
    assert {group: _rounded(groups[group]) for group in alone} == {
        group: _rounded(each) for group, each in alone.items()
    }


def _rounded(found: Measured) -> Measured:
    """Sums of floats depend on their order."""
    talk_s = found.counts.talk_s
    return replace(found, counts=replace(found.counts, talk_s=None if talk_s is None else round(talk_s, 3)))


async def test_the_busiest_gateways_come_first_and_the_rest_is_cut_off(ingest, database, monkeypatch):
    monkeypatch.setattr(kpis, "GROUPS_MAX", 2)
    callers = ["rare", "often", "often", "often", "some", "some"]
    await stored(ingest, *(call(f"call-{n}", BEGIN + n, caller=who, callee="hub") for n, who in enumerate(callers)))

    busiest = await groups_of(database, "gateway")
    asked_for = await groups_of(database, "gateway", only=["rare", "nobody"])

    assert [(group, each.counts.attempts) for group, each in busiest.items()] == [("hub", 6), ("often", 3), ("some", 2)]
    assert [(group, each.counts.attempts) for group, each in asked_for.items()] == [("rare", 1)]


async def test_a_call_to_oneself_counts_once(ingest, database):
    await stored(ingest, call("one", BEGIN, caller="alice", callee="alice"))

    assert {group: each.counts.attempts for group, each in (await groups_of(database, "gateway")).items()} == {
        "alice": 1
    }
