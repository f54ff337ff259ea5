"""A database with many calls, and the questions that the pages and their users ask of it."""

import random
import statistics
import time
from collections.abc import Awaitable, Callable
from functools import partial

from sqlalchemy import text

from api.fold import Signalling
from api.quality import PARTIES, Direction
from api.store import bulk, call_list, queries, rows, tables
from api.store.call_list import CallFilter, Order
from api.store.database import Database
from shared.testing import AT
from tests.bench.api.traffic import call_id_of

STEP = 10_000
LIVE = 200
SPACING_S = 30.0  # a million calls are a year
TIMES = 40
PAGE = 50

Question = Callable[[random.Random], tuple[CallFilter, Order]]
BY_TIME = Order()


async def fill(url: str, calls: int) -> None:
    """Stores so many calls, the newest of them live, in the shape that the ingest gives them."""
    database = Database.open(url)
    await database.migrate()
    chance = random.Random(1)
    for first in range(0, calls, STEP):
        numbers = range(first, min(calls, first + STEP))
        values = [a_call(number, AT + number * SPACING_S, number >= calls - LIVE, chance) for number in numbers]
        async with database.writing() as connection:
            await bulk.add(connection, tables.calls, values)
    if database.kind == "postgresql":
        async with database.writing() as connection:
            await connection.execute(text("ANALYZE"))
    await database.close()


async def measure_lists(url: str, calls: int) -> list[tuple[str, float, float]]:
    """For each question its name, and the median and 95th percentile of the answer times in milliseconds."""
    database = Database.open(url)
    results = []
    for name, question in QUESTIONS.items():
        chance = random.Random(7)
        results.append((name, *await _times(partial(_ask, database, question, chance))))
    chance = random.Random(7)
    results.append(("one call", *await _times(lambda: _detail(database, call_id_of(chance.randrange(calls))))))
    results.append(("a page from the middle of the list", *await _times(lambda: _middle(database, calls, chance))))
    await database.close()
    return results


def _everything(order: Order, _: random.Random) -> tuple[CallFilter, Order]:
    return CallFilter(), order


ORDERS = [Order(name, descending) for name in tables.CALL_ORDERS for descending in (False, True)]
QUESTIONS: dict[str, Question] = {
    "newest first": lambda _: (CallFilter(), BY_TIME),
    "live": lambda _: (CallFilter(live=True), BY_TIME),
    "ended": lambda _: (CallFilter(live=False), BY_TIME),
    **{f"by {order.by}{' down' if order.descending else ''}": partial(_everything, order) for order in ORDERS},
    "ended, worst first": lambda _: (CallFilter(live=False), Order("mos", False)),
    "live, worst first": lambda _: (CallFilter(live=True), Order("mos", False)),
    "a whole number": lambda c: (CallFilter(text=f"39055{c.randrange(1_000_000):07d}"), BY_TIME),
    "part of a number": lambda c: (CallFilter(text=f"{c.randrange(100_000):05d}"), BY_TIME),
    "a text that all have": lambda _: (CallFilter(text="example.com"), BY_TIME),
    "a text that nobody has": lambda c: (CallFilter(text=f"nobody{c.random()}"), BY_TIME),
    "one gateway": lambda c: (CallFilter(gateway=f"gateway-{c.randrange(200)}@example.com"), BY_TIME),
    "one codec of few calls": lambda _: (CallFilter(codec="OPUS"), BY_TIME),
    "one codec of most calls": lambda _: (CallFilter(codec="PCMA"), BY_TIME),
    "MOS below 3": lambda _: (CallFilter(mos_below=3.0), BY_TIME),
    "a day": lambda c: (_day(c), BY_TIME),
    "a day, longest first": lambda c: (_day(c), Order("duration_s")),
}


def _day(chance: random.Random) -> CallFilter:
    since = AT + chance.random() * 300 * 86_400
    return CallFilter(since=since, until=since + 86_400)


async def _ask(database: Database, question: Question, chance: random.Random) -> None:
    wanted, order = question(chance)
    async with database.reading() as connection:
        await call_list.list_calls(connection, wanted, PAGE, order)


async def _middle(database: Database, calls: int, chance: random.Random) -> None:
    number = chance.randrange(calls)
    async with database.reading() as connection:
        await call_list.list_calls(
            connection, CallFilter(), PAGE, BY_TIME, call_list.Position(AT + number * SPACING_S, number)
        )


async def _detail(database: Database, call_id: str) -> None:
    async with database.reading() as connection:
        assert await queries.calls_by_id(connection, [call_id])
        await queries.course(connection, call_id)


async def _times(ask: Callable[[], Awaitable[None]]) -> tuple[float, float]:
    await ask()
    took = []
    for _ in range(TIMES):
        began = time.perf_counter()
        await ask()
        took.append(1000 * (time.perf_counter() - began))
    return statistics.median(took), statistics.quantiles(took, n=20)[-1]


def a_call(number: int, at: float, live: bool, chance: random.Random) -> bulk.Values:
    """The row of one call that began at this moment."""
    answered = chance.random() < 0.8
    codec = chance.choices(["PCMA", "G729", "OPUS"], [900, 99, 1])[0]
    call = Signalling(
        call_id_of(number),
        first_seen_at=at,
        last_seen_at=at + 100,
        first_attempt_at=at,
        last_attempt_at=at,
        caller=f"gateway-{chance.randrange(200)}@example.com",
        callee=f"39055{chance.randrange(1_000_000):07d}@example.com",
        ringing_at=at + 1 + chance.random(),
        answered_at=at + 5 if answered else None,
        answered_code=200 if answered else None,
        signalled_codec=codec if answered else None,
        last_end_at=None if live else at + 5 + chance.expovariate(1 / 120),
        hangup_by=None if live else chance.choice(["caller", "callee"]),
        end_code=None if live else 200 if answered else 486,
    )
    directions = {party: _direction(chance) for party in PARTIES} if answered else {}
    return rows.call_row(number + 1, call, directions)


def _direction(chance: random.Random) -> Direction:
    loss = chance.expovariate(1.5)
    mos = max(1.0, 4.41 - loss / 3)
    return Direction(mos=mos, mos_min=max(1.0, mos - 0.3), loss_percent=loss, jitter_ms=chance.expovariate(0.5), ssrc=7)
