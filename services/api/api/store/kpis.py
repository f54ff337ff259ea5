"""The counts behind the key performance indicators, over the calls that began in an interval: the database counts.

Every query begins at the index of `started_at` (or of codec and `started_at`) and reads no call from outside of the
interval, except that the calls at a time need those that began before it.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

from sqlalchemy import (
    BigInteger,
    CompoundSelect,
    Float,
    FromClause,
    Select,
    and_,
    case,
    cast,
    func,
    literal,
    literal_column,
    or_,
    select,
    type_coerce,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.elements import ColumnElement

from api.kpis import (
    BANDS,
    DELIVERED,
    GIVEN_UP,
    GOOD_MOS,
    HOUR_S,
    OF_THE_USER,
    RECOVERABLE,
    SHORT_CALL_S,
    Counts,
    Measured,
    PostDialDelay,
    hours_of,
    peaks,
)
from api.store import tables

By = Literal["none", "hour", "gateway", "codec"]
Group = str | int  # hour: its number since 1970; codec: empty, when no codec is known
Groups = dict[Group, Measured]

ALL: Group = 0  # the only group of "none"
GROUPS_MAX = 100  # of gateways or codecs, those with most attempts
REACH_S = 12 * 3600.0  # a call that began longer before the interval is not taken as one that still runs

_CALLS, _STREAMS, _SLICES = tables.calls.c, tables.streams, tables.slices


@dataclass(frozen=True, slots=True)
class KpiFilter:
    """Which calls, and whether their courses are read: begun in [since, until), epoch seconds. `gateway` is what it is
    in call_list.CallFilter."""

    since: float
    until: float
    codec: str | None = None
    gateway: str | None = None
    test_calls: bool = False  # those that our own test extensions answer
    good_time: bool = False  # a course has dozens of rows a call: they cost several times what all else does


async def oldest_start(connection: AsyncConnection) -> float | None:
    """When the oldest call that is kept began; None: there are no calls."""
    oldest: float | None = (await connection.execute(select(func.min(_CALLS.started_at)))).scalar()
    return oldest


async def measured(
    connection: AsyncConnection, wanted: KpiFilter, by: By, only: Collection[Group] | None = None
) -> Groups:
    """The figures of each group of calls. Of gateways and codecs the GROUPS_MAX with most attempts, and one more when
    there are more; or `only` these groups."""
    counts = await _counts(connection, wanted, by, only)
    if by in ("gateway", "codec"):
        only = list(counts)
    groups: Iterable[Group] = counts
    if by in ("none", "hour"):
        groups = [ALL] if by == "none" else hours_of(wanted.since, wanted.until)
    judged_s = 0.0 if wanted.good_time else None
    found: Groups = {group: Measured(counts.get(group, Counts()), judged_s=judged_s) for group in groups}
    for group, pdd in (await _pdd(connection, wanted, by, only)).items():
        found[group] = replace(found[group], pdd=pdd)
    if wanted.good_time:
        for group, (seconds, good_s) in (await _judged(connection, wanted, by, only)).items():
            found[group] = replace(found[group], judged_s=seconds, good_s=good_s)
    highest = await (_peaks_of_hours(connection, wanted) if by == "hour" else _peaks(connection, wanted, by, only))
    return {group: replace(each, concurrent_max=highest.get(group, 0)) for group, each in found.items()}


async def _counts(
    connection: AsyncConnection, wanted: KpiFilter, by: By, only: Collection[Group] | None
) -> dict[Group, Counts]:
    calls = _source(connection, wanted, by, only, _OF_COUNTS)
    columns = _columns_of_counts(calls)
    query = select(calls.c.grp, *(columns[each.name].label(each.name) for each in fields(Counts)))
    query = query.group_by(calls.c.grp)
    if by in ("gateway", "codec"):
        query = query.order_by(func.count().desc(), calls.c.grp).limit(GROUPS_MAX + 1)
    return {group: Counts(*values) for group, *values in await connection.execute(query)}


_OF_COUNTS = tuple(
    _CALLS[name]
    for name in ("live", "answered_at", "ringing_at", "final_code", "duration_s", "mos", "impaired", "started_at")
)


def _columns_of_counts(calls: FromClause) -> dict[str, ColumnElement[Any]]:
    """By the names of api.kpis.Counts."""
    call = calls.c
    answered, code = call.answered_at.is_not(None), call.final_code
    refused = and_(call.answered_at.is_(None), call.live.is_(False))
    rang = and_(call.ringing_at.is_not(None), code.in_(GIVEN_UP))

    def number_of(condition: ColumnElement[bool]) -> ColumnElement[int]:
        return func.count().filter(condition)

    return {
        "attempts": func.count(),
        "pending": number_of(and_(call.answered_at.is_(None), call.live)),
        "answered": number_of(answered),
        "delivered": number_of(and_(refused, or_(code.in_(DELIVERED), rang))),
        "recoverable": number_of(and_(refused, or_(code.between(300, 399), code.in_(RECOVERABLE)))),
        "of_the_user": number_of(and_(refused, code.in_(OF_THE_USER))),
        "completed": func.count(call.duration_s),
        "short": number_of(call.duration_s < SHORT_CALL_S),
        "talk_s": func.sum(call.duration_s),
        **_bands(and_(answered, call.impaired.is_(False)), call.mos, number_of),
    }


def _bands(
    judged: ColumnElement[bool],
    mos: ColumnElement[float],
    number_of: Callable[[ColumnElement[bool]], ColumnElement[int]],
) -> dict[str, ColumnElement[int]]:
    found, below = {}, 10.0
    for name, least in BANDS.items():
        found[name] = number_of(and_(judged, mos >= least, mos < below))
        below = least
    return found


async def _pdd(
    connection: AsyncConnection, wanted: KpiFilter, by: By, only: Collection[Group] | None
) -> dict[Group, PostDialDelay]:
    """Percentiles by the nearest rank, so that both databases say the same."""
    calls = _source(connection, wanted, by, only, (_CALLS.started_at, _CALLS.ringing_at))
    delay_s = calls.c.ringing_at - calls.c.started_at
    ranked = (
        select(
            calls.c.grp,
            delay_s.label("delay_s"),
            func.row_number().over(partition_by=calls.c.grp, order_by=delay_s).label("rank"),
            func.count().over(partition_by=calls.c.grp).label("n"),
        )
        .where(calls.c.ringing_at >= calls.c.started_at)
        .subquery()
    )

    def at_rank(percentile: int) -> ColumnElement[float]:
        return func.min(ranked.c.delay_s).filter(ranked.c.rank * 100 >= ranked.c.n * percentile)

    query = select(ranked.c.grp, func.max(ranked.c.n), at_rank(50), at_rank(95)).group_by(ranked.c.grp)
    return {group: PostDialDelay(*values) for group, *values in await connection.execute(query)}


async def _judged(
    connection: AsyncConnection, wanted: KpiFilter, by: By, only: Collection[Group] | None
) -> dict[Group, tuple[float, float]]:
    """Seconds of streams that were judged, and those that were good. What our own overload spoiled is left out."""
    calls, slices = _source(connection, wanted, by, only, (_CALLS.number,)), _SLICES.c
    seconds = slices.duration_s
    good = slices.mos_sum >= GOOD_MOS * slices.judged_packets
    query = (
        select(calls.c.grp, func.sum(seconds), func.coalesce(func.sum(seconds).filter(good), 0.0))
        .select_from(calls)
        .join(_STREAMS, _STREAMS.c.call == calls.c.number)
        .join(_SLICES, slices.stream_id == _STREAMS.c.stream_id)
        .where(slices.judged_packets > 0, slices.impaired.is_(False))
        .group_by(calls.c.grp)
    )
    return {group: (judged_s, good_s) for group, judged_s, good_s in await connection.execute(query)}


async def _peaks(
    connection: AsyncConnection, wanted: KpiFilter, by: By, only: Collection[Group] | None
) -> dict[Group, int]:
    levels = _levels(connection, wanted, by, only)
    query = select(levels.c.grp, func.max(levels.c.level)).group_by(levels.c.grp)
    return {group: highest for group, highest in await connection.execute(query)}


async def _peaks_of_hours(connection: AsyncConnection, wanted: KpiFilter) -> dict[Group, int]:
    levels = _levels(connection, wanted, "none", None)
    hour, level, change = _hour(connection, levels.c.at), levels.c.level, levels.c.change
    within = select(hour.label("hour"), level, change).subquery()
    # the level before a change is one that the hour had, too
    most_there = func.max(case((within.c.change < 0, within.c.level - within.c.change), else_=within.c.level))
    query = select(within.c.hour, most_there, func.sum(within.c.change)).group_by(within.c.hour)
    changes = {each: (int(most), int(net)) for each, most, net in await connection.execute(query)}
    return {**peaks(hours_of(wanted.since, wanted.until), changes)}


def _levels(connection: AsyncConnection, wanted: KpiFilter, by: By, only: Collection[Group] | None) -> FromClause:
    """How many calls there are after each beginning and each end within the interval, by group."""
    reached = replace(wanted, since=wanted.since - REACH_S)
    calls = _source(connection, reached, by, only, (_CALLS.started_at, _CALLS.ended_at))
    until = literal(wanted.until, Float)
    begin = case((calls.c.started_at < wanted.since, literal(wanted.since, Float)), else_=calls.c.started_at)
    runs = func.coalesce(calls.c.ended_at, until) > begin
    begun = select(calls.c.grp, begin.label("at"), literal_column("1").label("change")).where(runs)
    ended = select(calls.c.grp, calls.c.ended_at, literal_column("-1")).where(runs, calls.c.ended_at < wanted.until)
    changes = union_all(begun, ended).subquery()
    # of one moment the ends come first: a call that takes the place of another is no second one
    so_far = func.sum(changes.c.change).over(
        partition_by=changes.c.grp, order_by=(changes.c.at, changes.c.change), rows=(None, 0)
    )
    return select(changes.c.grp, changes.c.at, changes.c.change, so_far.label("level")).subquery()


def _source(
    connection: AsyncConnection,
    wanted: KpiFilter,
    by: By,
    only: Collection[Group] | None,
    columns: Sequence[ColumnElement[Any]],
) -> FromClause:
    """The columns of the calls that are asked for, and in `grp` the group that each belongs to. By gateway, a call
    stands in the group of its caller and in that of its callee, as the list of either has it."""
    groups: Iterable[tuple[ColumnElement[Any], ColumnElement[bool] | None]]
    match by:
        case "none":
            groups = [(literal_column("0"), None)]
        case "hour":
            groups = [(_hour(connection, _CALLS.started_at), None)]
        case "codec":
            groups = [(func.coalesce(_CALLS.codec, ""), None)]
        case "gateway":
            groups = [(_CALLS.caller, None), (_CALLS.callee, _CALLS.callee != _CALLS.caller)]
    parts: list[Select[Any]] = []
    for group, condition in groups:
        part = _narrowed(select(group.label("grp"), *columns), wanted)
        if condition is not None:
            part = part.where(condition)
        if only is not None:
            part = part.where(_unindexed(group).in_(list(only)))
        parts.append(part)
    joined: Select[Any] | CompoundSelect[Any] = parts[0] if len(parts) == 1 else union_all(*parts)
    return joined.subquery()


def _narrowed(query: Select[Any], wanted: KpiFilter) -> Select[Any]:
    query = query.where(
        _CALLS.started_at >= wanted.since,
        _CALLS.started_at < wanted.until,
        _CALLS.first_attempt_at.is_not(None),  # what only the media told of is no attempt that is known
    )
    if not wanted.test_calls:
        query = query.where(_CALLS.extension.is_(None))
    if wanted.codec is not None:
        query = query.where(_CALLS.codec == wanted.codec)
    if wanted.gateway is not None:
        gateway = wanted.gateway
        query = query.where(or_(_unindexed(_CALLS.caller) == gateway, _unindexed(_CALLS.callee) == gateway))
    return query


def _unindexed(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """A column whose own index would lead to calls of all times."""
    return func.coalesce(column, None)


def _hour(connection: AsyncConnection, at: ColumnElement[float]) -> ColumnElement[int]:
    """The number of the hour since 1970; SQLite cuts where PostgreSQL rounds."""
    hours = type_coerce(at / HOUR_S, Float)
    return cast(hours if connection.dialect.name == "sqlite" else func.floor(hours), BigInteger)
