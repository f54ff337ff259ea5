"""Calls: the list, one call, its course and its SIP messages."""

import base64
import binascii
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated, Literal
from urllib.parse import unquote

from fastapi import APIRouter, Depends, Path, Query, Response
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime, BaseModel, Field, TypeAdapter
from starlette.exceptions import HTTPException

from api import export
from api.parts import Parts, PartsOf
from api.problems import answers, encoded
from api.quality import directions_of
from api.shapes import CallDetail, CallView, MessageView, SliceView
from api.store import call_list, queries
from api.store.call_list import CallFilter, Order, Position
from api.views import call_detail, call_view, course_view

MESSAGES_MAX = 1000
TEXTS = ("caller", "callee", "codec", "hangup_by")
Sort = Literal[
    "started_at",
    "-started_at",
    "answered_at",
    "-answered_at",
    "ended_at",
    "-ended_at",
    "duration_s",
    "-duration_s",
    "caller",
    "-caller",
    "callee",
    "-callee",
    "codec",
    "-codec",
    "final_code",
    "-final_code",
    "hangup_by",
    "-hangup_by",
    "mos",
    "-mos",
    "loss_percent",
    "-loss_percent",
    "jitter_ms",
    "-jitter_ms",
    "caller_mos",
    "-caller_mos",
    "caller_loss_percent",
    "-caller_loss_percent",
    "caller_jitter_ms",
    "-caller_jitter_ms",
    "callee_mos",
    "-callee_mos",
    "callee_loss_percent",
    "-callee_loss_percent",
    "callee_jitter_ms",
    "-callee_jitter_ms",
]

router = APIRouter(prefix="/calls", tags=["calls"])


@dataclass(frozen=True, slots=True)
class CallPage:
    """Some calls, newest first."""

    items: list[CallView]
    next_cursor: Annotated[str | None, Field(description="give it back as `cursor` for the next page; null: the end")]


@dataclass(frozen=True, slots=True)
class SlicePage:
    """A call's course in time."""

    items: list[SliceView]


@dataclass(frozen=True, slots=True)
class MessagePage:
    """The SIP messages of a call."""

    items: list[MessageView]
    truncated: Annotated[bool, Field(description=f"there are more than {MESSAGES_MAX}; the first ones are shown")]


class CallQuery(BaseModel):
    """How the list is narrowed down."""

    state: Literal["live", "ended"] | None = None
    q: str | None = Field(default=None, max_length=256, description="part of the caller, the callee or the Call-ID")
    since: AwareDatetime | None = Field(default=None, description="started at this moment or later (RFC 3339)")
    until: AwareDatetime | None = Field(default=None, description="started before this moment (RFC 3339)")
    mos_below: float | None = Field(default=None, ge=1, le=5, description="the worse direction is worse than this")
    codec: str | None = Field(default=None, max_length=64)
    gateway: str | None = Field(default=None, max_length=512, description="address of record of the caller or callee")
    sort: Sort = Field(default="-started_at", description="a column; with `-` before it, from the largest down")

    def filter(self) -> CallFilter:
        return CallFilter(
            live=None if self.state is None else self.state == "live",
            text=self.q,
            since=self.since.timestamp() if self.since else None,
            until=self.until.timestamp() if self.until else None,
            mos_below=self.mos_below,
            codec=self.codec,
            gateway=self.gateway,
        )

    def order(self) -> Order:
        return Order(self.sort.removeprefix("-"), self.sort.startswith("-"))


class CallPageQuery(CallQuery):
    """One page of the list."""

    limit: int = Field(default=50, ge=1, le=500)
    cursor: str | None = Field(default=None, max_length=4096, description="`next_cursor` of the page before")


_PAGE, _DETAIL = TypeAdapter(CallPage), TypeAdapter(CallDetail)
_SLICES, _MESSAGES = TypeAdapter(SlicePage), TypeAdapter(MessagePage)


def _call_id(
    call_id: Annotated[str, Path(description="the SIP Call-ID, percent-encoded (`/` as `%2F`)", max_length=2048)],
) -> str:
    return unquote(call_id)


CallIdOf = Annotated[str, Depends(_call_id)]


@router.get("", summary="Calls", response_model=CallPage, responses=answers(400, 401, 422))
async def list_calls(query: Annotated[CallPageQuery, Query()], parts: PartsOf) -> Response:
    """Live and ended calls, the newest first unless `sort` says otherwise; unknown values come last."""
    after = _position(query.cursor, query.sort) if query.cursor else None
    async with parts.database.reading() as connection:
        page = await call_list.list_calls(connection, query.filter(), query.limit, query.order(), after)
    now = parts.now()
    items = [call_view(each.signalling, each.directions, now) for each in page.items]
    cursor = None if page.end is None else _cursor(query.sort, page.end)
    return encoded(_PAGE, CallPage(items, cursor))


@router.get(
    ".csv",
    summary="Calls as CSV",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/csv": {}}}, **answers(401, 422)},
)
async def export_csv(query: Annotated[CallQuery, Query()], parts: PartsOf) -> Response:
    """All calls of the list, one a line. A text that a spreadsheet would run as a formula begins with an apostrophe."""

    async def lines() -> AsyncIterator[str]:
        yield export.csv_head()
        async for calls in _all_views(query, parts):
            yield export.csv_rows(calls)

    return _download(lines(), "text/csv; charset=utf-8", "calls.csv")


@router.get(
    ".json",
    summary="Calls as JSON",
    response_class=StreamingResponse,
    responses={200: {"content": {"application/json": {}}}, **answers(401, 422)},
)
async def export_json(query: Annotated[CallQuery, Query()], parts: PartsOf) -> Response:
    """All calls of the list, one array."""

    async def items() -> AsyncIterator[str]:
        separator = "["
        async for calls in _all_views(query, parts):
            if calls:
                yield separator + export.json_items(calls)
                separator = ",\n"
        yield "[]" if separator == "[" else "]"

    return _download(items(), "application/json", "calls.json")


async def _all_views(query: CallQuery, parts: Parts) -> AsyncIterator[list[CallView]]:
    now = parts.now()
    async for calls in call_list.all_calls(parts.database, query.filter(), query.order()):
        yield [call_view(each.signalling, each.directions, now) for each in calls]


def _download(content: AsyncIterator[str], media_type: str, name: str) -> Response:
    return StreamingResponse(
        content, media_type=media_type, headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


@router.get("/{call_id}", summary="One call", response_model=CallDetail, responses=answers(401, 404))
async def get_call(call_id: CallIdOf, parts: PartsOf) -> Response:
    """The call with all its RTP streams and how their scores came about."""
    async with parts.database.reading() as connection:
        call = (await queries.calls_by_id(connection, [call_id])).get(call_id)
    if call is None:
        raise HTTPException(404, "no such call")
    streams = call.streams.values()
    return encoded(_DETAIL, call_detail(call.signalling, directions_of(streams), streams, parts.now()))


@router.get("/{call_id}/slices", summary="Its course", response_model=SlicePage, responses=answers(401, 404))
async def get_slices(call_id: CallIdOf, parts: PartsOf) -> Response:
    """Stretches of five seconds; of a live call the newest ones second by second."""
    async with parts.database.reading() as connection:
        stored = await queries.course(connection, call_id)
        if not stored and not await queries.has_call(connection, call_id):
            raise HTTPException(404, "no such call")
    items = course_view(stored, parts.feed.state.seconds(call_id))
    return encoded(_SLICES, SlicePage(items))


@router.get("/{call_id}/messages", summary="Its SIP", response_model=MessagePage, responses=answers(401, 404))
async def get_messages(call_id: CallIdOf, parts: PartsOf) -> Response:
    """The ladder: every SIP message in the order of time, secrets replaced by `***`."""
    async with parts.database.reading() as connection:
        found = await queries.messages(connection, call_id, MESSAGES_MAX + 1)
        if not found and not await queries.has_call(connection, call_id):
            raise HTTPException(404, "no such call")
    items = [MessageView(**row) for row in found[:MESSAGES_MAX]]
    return encoded(_MESSAGES, MessagePage(items, len(found) > MESSAGES_MAX))


def _cursor(sort: str, end: Position) -> str:
    return base64.urlsafe_b64encode(json.dumps([sort, end.value, end.number]).encode()).decode()


def _position(cursor: str, sort: str) -> Position:
    """The place that a cursor of ours means; somebody else's must not reach the database."""
    try:
        made_for, value, number = json.loads(base64.urlsafe_b64decode(cursor))
    except (binascii.Error, ValueError, TypeError, RecursionError) as error:
        raise HTTPException(400, "this cursor is not from here") from error
    kind = str if sort.removeprefix("-") in TEXTS else int | float
    right = type(number) is int and abs(number) < 2**63 and (value is None or isinstance(value, kind))
    if made_for != sort or not right or isinstance(value, bool):
        raise HTTPException(400, "this cursor is not from here, or of another order")
    return Position(value, number)
