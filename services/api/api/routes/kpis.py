"""Key performance indicators: how the traffic is, beside how it was a week ago."""

from dataclasses import dataclass, replace
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import AwareDatetime, BaseModel, Field, TypeAdapter
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.exceptions import HTTPException

from api.kpis import HOUR_S, WEEK_S, Kpis, Measured, kpis_of
from api.parts import PartsOf
from api.problems import answers, encoded
from api.shapes import Time
from api.store import kpis as store
from api.store.kpis import ALL, GROUPS_MAX, By, Group, KpiFilter

DAY_S = 86_400.0
INTERVAL_MAX_S = 31 * DAY_S

router = APIRouter(prefix="/kpis", tags=["kpis"])


@dataclass(frozen=True, slots=True)
class Interval:
    """From `since` on, before `until`."""

    since: Time
    until: Time


@dataclass(frozen=True, slots=True)
class KpiGroup:
    """The calls of one hour, gateway or codec."""

    hour: Annotated[Time | None, Field(description="by hour: its beginning (UTC)")]
    gateway: Annotated[str | None, Field(description="by gateway: address of record of the caller or callee")]
    codec: Annotated[str | None, Field(description="by codec; null: none is known")]
    kpis: Kpis
    week_before: Annotated[Kpis | None, Field(description="null: nothing is kept from then")]


@dataclass(frozen=True, slots=True)
class KpiAnswer:
    """The figures of all calls, and of each group."""

    interval: Interval
    interval_before: Annotated[Interval, Field(description="the same a week earlier")]
    kept_since: Annotated[Time | None, Field(description="when the oldest call that is kept began; null: none is")]
    total: Kpis
    total_week_before: Annotated[Kpis | None, Field(description="null: nothing is kept from then")]
    groups: Annotated[list[KpiGroup], Field(description="hours in the order of time, others the busiest first")]
    truncated: Annotated[bool, Field(description=f"there are more than {GROUPS_MAX} groups; the busiest are shown")]


class KpiQuery(BaseModel):
    """Which calls, and by what they are grouped."""

    since: AwareDatetime | None = Field(
        default=None,
        description="calls that began at this moment or later (RFC 3339); a day before `until` unless given",
        examples=["2025-01-31T00:00:00Z"],
    )
    until: AwareDatetime | None = Field(
        default=None,
        description="calls that began before this moment (RFC 3339); now unless given, and never later",
        examples=["2025-02-01T00:00:00Z"],
    )
    by: By = Field(default="none", description="what the calls are grouped by, beside the total", examples=["hour"])
    codec: str | None = Field(default=None, max_length=64, description="only calls with it", examples=["PCMA"])
    gateway: str | None = Field(
        default=None,
        max_length=512,
        description="only calls with this address of record as caller or callee",
        examples=["gateway@example.com"],
    )
    test_calls: bool = Field(default=False, description="also calls to our own test extensions")
    good_time: bool = Field(default=False, description="also the share of good time, which takes seconds on a busy day")

    def filter(self, now: float) -> KpiFilter:
        """Raises HTTPException (422): it is no interval, or too long."""
        until = min(now, self.until.timestamp()) if self.until else now
        since = self.since.timestamp() if self.since else until - DAY_S
        if since >= until:
            raise HTTPException(422, "`since` must be before `until`, and before now")
        if until - since > INTERVAL_MAX_S:
            raise HTTPException(422, f"at most {INTERVAL_MAX_S / DAY_S:.0f} days at a time")
        return KpiFilter(since, until, self.codec, self.gateway, self.test_calls, self.good_time)


_ANSWER = TypeAdapter(KpiAnswer)


@router.get("", summary="Key performance indicators", response_model=KpiAnswer, responses=answers(401, 422, 503))
async def get_kpis(query: Annotated[KpiQuery, Query()], parts: PartsOf) -> Response:
    """ASR, NER (ITU-T E.411, E.425), SER, SEER (RFC 6076), call duration, post-dial delay, calls at a time, MOS bands
    (G.109) and the share of good time, each with the same interval a week earlier. 401, 407, re-INVITEs and
    retransmissions are no attempts. At most 31 days."""
    wanted = query.filter(parts.now())
    async with parts.database.reading() as connection:
        answer = await _answer(connection, wanted, query.by)
    return encoded(_ANSWER, answer)


async def _answer(connection: AsyncConnection, wanted: KpiFilter, by: By) -> KpiAnswer:
    before = replace(wanted, since=wanted.since - WEEK_S, until=wanted.until - WEEK_S)
    kept_since = await store.oldest_start(connection)
    is_kept = kept_since is not None and kept_since < before.until
    total = (await store.measured(connection, wanted, "none"))[ALL]
    total_before = (await store.measured(connection, before, "none"))[ALL] if is_kept else None
    found = await store.measured(connection, wanted, by) if by != "none" else {}
    shown = dict(list(found.items())[:GROUPS_MAX]) if by != "hour" else found
    earlier: store.Groups = {}
    if shown and is_kept:
        earlier = await store.measured(connection, before, by, None if by == "hour" else list(shown))
    return KpiAnswer(
        interval=Interval(wanted.since, wanted.until),
        interval_before=Interval(before.since, before.until),
        kept_since=kept_since,
        total=kpis_of(total),
        total_week_before=kpis_of(total_before) if total_before else None,
        groups=[_group(by, group, each, earlier if is_kept else None) for group, each in shown.items()],
        truncated=len(found) > len(shown),
    )


def _group(by: By, group: Group, measured: Measured, earlier: store.Groups | None) -> KpiGroup:
    nothing = Measured(judged_s=None if measured.judged_s is None else 0.0)
    same = int(group) - int(WEEK_S // HOUR_S) if by == "hour" else group
    return KpiGroup(
        hour=float(group) * HOUR_S if by == "hour" else None,
        gateway=str(group) if by == "gateway" else None,
        codec=str(group) or None if by == "codec" else None,
        kpis=kpis_of(measured),
        week_before=None if earlier is None else kpis_of(earlier.get(same, nothing)),
    )
