"""Capture files: uploaded, analysed by the capture worker, listed, cancelled and deleted."""

import asyncio
import base64
import binascii
import json
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field, TypeAdapter
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from api.captures import NoRoom, TooLarge, TooMany
from api.door import SignedIn
from api.parts import PartsOf
from api.problems import answers, encoded
from api.shapes import CaptureDetail, CaptureView
from api.store import captures
from shared.captures import CaptureReport

IDLE_S = 60.0
UNLIMITED = 1 << 50  # of FastAPI's own limit: `receive` has the one of the setting, and says it in words

router = APIRouter(prefix="/captures", tags=["captures"])


@dataclass(frozen=True, slots=True)
class CapturePage:
    """Some captures, newest first."""

    items: list[CaptureView]
    next_cursor: Annotated[str | None, Field(description="give it back as `cursor` for the next page; null: the end")]
    max_bytes: Annotated[int, Field(description="the largest file that may be uploaded (`VQM_CAPTURE_MAX_MB`)")]


_PAGE, _VIEW, _DETAIL = TypeAdapter(CapturePage), TypeAdapter(CaptureView), TypeAdapter(CaptureDetail)
_BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}
Name = Annotated[
    str,
    Query(min_length=1, max_length=255, pattern=r"^[^\x00-\x1f\x7f]+$", description="of the file, to find it again"),
]


@router.post(
    "",
    status_code=201,
    summary="Upload a capture",
    response_model=CaptureView,
    responses=answers(401, 403, 408, 413, 422, 429, 507),
    openapi_extra=_BODY,
    max_body_size=UNLIMITED,
)
async def upload(request: Request, user: SignedIn, parts: PartsOf, name: Name = "capture") -> Response:
    """The body is the file itself: pcap or pcapng, also gzipped, up to `VQM_CAPTURE_MAX_MB`.

    The answer comes once the file is there; its analysis waits for its turn, and tells its progress on /ws. The file is
    deleted after the analysis unless `VQM_KEEP_CAPTURE_FILES` says otherwise.
    """
    announced = request.headers.get("content-length", "")
    announced_bytes = int(announced) if announced.isascii() and announced.isdigit() else None
    try:
        capture = await parts.captures.receive(name, user.username, announced_bytes, _blocks(request))
    except ClientDisconnect:
        return Response(status_code=400)  # nobody reads it
    except TimeoutError as error:
        raise HTTPException(408, f"nothing came for {IDLE_S:g} s") from error
    except TooLarge as error:
        limit_mb = parts.captures.max_bytes >> 20
        raise HTTPException(413, f"captures of up to {limit_mb} MB may be uploaded (VQM_CAPTURE_MAX_MB)") from error
    except NoRoom as error:
        raise HTTPException(507, "there is no room for it on the disk (VQM_DISK_RESERVE_MB)") from error
    except TooMany as error:
        raise HTTPException(429, "too many captures wait already", {"Retry-After": "60"}) from error
    answer = encoded(_VIEW, capture)
    answer.status_code = 201
    answer.headers["Location"] = f"{request.url.path}/{capture.capture_id}"
    return answer


@router.get("", summary="Captures", response_model=CapturePage, responses=answers(400, 401, 422))
async def list_captures(
    parts: PartsOf,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    cursor: Annotated[str | None, Query(max_length=256, description="`next_cursor` of the page before")] = None,
) -> Response:
    """Uploaded captures, the newest first, without their reports."""
    after = _position(cursor) if cursor else None
    async with parts.database.reading() as connection:
        found = await captures.page(connection, limit + 1, after)
    items = [parts.captures.newest(capture) for capture in found[:limit]]
    last = items[-1] if len(found) > limit else None
    return encoded(_PAGE, CapturePage(items, None if last is None else _cursor(last), parts.captures.max_bytes))


@router.get("/{capture_id}", summary="One capture", response_model=CaptureDetail, responses=answers(401, 404))
async def get_capture(capture_id: str, parts: PartsOf) -> Response:
    """The capture and, when it is analysed, its calls and RTP streams."""
    async with parts.database.reading() as connection:
        found = await captures.one(connection, capture_id)
    if found is None:
        raise HTTPException(404, "no such capture")
    view, text = found
    report = None if text is None else await asyncio.to_thread(CaptureReport.model_validate_json, text)
    return await asyncio.to_thread(
        encoded, _DETAIL, CaptureDetail(**asdict(parts.captures.newest(view)), report=report)
    )


@router.delete("/{capture_id}", status_code=204, summary="Delete or cancel", responses=answers(401, 403, 404))
async def delete_capture(capture_id: str, parts: PartsOf) -> None:
    """Ends its analysis and deletes the file and the report."""
    if not await parts.captures.drop(capture_id):
        raise HTTPException(404, "no such capture")


async def _blocks(request: Request) -> AsyncIterator[bytes]:
    """The body as it comes. Raises TimeoutError when nothing does."""
    stream = request.stream()
    while True:
        async with asyncio.timeout(IDLE_S):
            block = await anext(stream, None)
        if block is None:
            return
        yield block


def _cursor(last: CaptureView) -> str:
    return base64.urlsafe_b64encode(json.dumps([last.uploaded_at, last.capture_id]).encode()).decode()


def _position(cursor: str) -> captures.Position:
    """The place that a cursor of ours means; somebody else's must not reach the database."""
    try:
        uploaded_at, capture_id = json.loads(base64.urlsafe_b64decode(cursor))
    except (binascii.Error, ValueError, TypeError, RecursionError) as error:
        raise HTTPException(400, "this cursor is not from here") from error
    if type(uploaded_at) is not float or not isinstance(capture_id, str):
        raise HTTPException(400, "this cursor is not from here")
    return uploaded_at, capture_id
