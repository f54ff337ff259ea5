"""How fast the key performance indicators of a busy day are, beside those of a week before."""

import random
import time
from dataclasses import replace

from sqlalchemy import text

from api.kpis import WEEK_S
from api.rollup import ALL_PLACES, ROW_S, Row
from api.store import bulk, kpis, rows, tables
from api.store.database import Database
from api.store.kpis import By, KpiFilter
from shared.testing import AT
from tests.bench.api.lists import a_call

DAY_S = 86_400.0
STEP = 5_000
ROWS = 24  # of each direction: a call of two minutes
KINDS: tuple[By, ...] = ("none", "hour", "codec", "gateway")


async def fill_days(url: str, calls: int) -> None:
    """A day of calls with their courses, and the same a week before; nothing in between, and nothing else."""
    database = Database.open(url)
    await database.migrate()
    chance = random.Random(1)
    for day, begin in enumerate((AT - WEEK_S, AT)):
        for first in range(0, calls, STEP):
            numbers = range(day * calls + first, day * calls + min(calls, first + STEP))
            times = {number: begin + (number % calls) * DAY_S / calls for number in numbers}
            async with database.writing() as connection:
                added = [a_call(number, at, False, chance) for number, at in times.items()]
                await bulk.add(connection, tables.calls, added)
                streams = [_stream(number, way, at) for number, at in times.items() for way in (0, 1)]
                await bulk.add(connection, tables.streams, streams)
                courses = [each for number, at in times.items() for way in (0, 1) for each in _course(number, way, at)]
                await bulk.add(connection, tables.slices, courses)
    if database.kind == "postgresql":
        async with database.writing() as connection:
            await connection.execute(text("ANALYZE"))
    await database.close()


async def measure_kpis(url: str) -> list[tuple[str, float]]:
    """Seconds for the figures of a day and of the same day a week before, by what they are grouped."""
    database = Database.open(url)
    found = []
    for by, good_time in [(by, good_time) for good_time in (False, True) for by in KINDS]:
        wanted = KpiFilter(AT, AT + DAY_S, good_time=good_time)
        began = time.perf_counter()
        async with database.reading() as connection:
            groups = await kpis.measured(connection, wanted, by)
            only = None if by in ("none", "hour") else list(groups)
            before = replace(wanted, since=AT - WEEK_S, until=AT + DAY_S - WEEK_S)
            await kpis.measured(connection, before, by, only)
        found.append((f"by {by}{', with good time' if good_time else ''}", time.perf_counter() - began))
    await database.close()
    return found


def _stream(number: int, way: int, at: float) -> bulk.Values:
    party = ("caller", "callee")[way]
    return (2 * number + way, number + 1, "media", party, 7, at + 5, at + 125, 4.0, True, "{}", ROW_S)


def _course(number: int, way: int, at: float) -> list[bulk.Values]:
    first = int((at + 5) // ROW_S)
    mos = 4.4 if number % 10 else 3.0
    return [
        rows.slices_row(
            2 * number + way,
            Row(
                bucket,
                ALL_PLACES,
                bucket * 5.0,
                5.0,
                250,
                250,
                0,
                0,
                0,
                43_000,
                1.0,
                2.0,
                250 * mos,
                22_500.0,
                250,
                False,
            ),
        )
        for bucket in range(first, first + ROWS)
    ]
