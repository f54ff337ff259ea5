"""Signing in and out, and what is one's own: sessions and password."""

import asyncio
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, TypeVar

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from api.access import Role
from api.auth import SESSION_S
from api.door import COOKIE, Identified, Oneself, OriginOf, address_of
from api.parts import Parts, PartsOf
from api.passwords import STRONG, weakness
from api.problems import answers
from api.shapes import Time
from api.throttle import source_of

Answer = TypeVar("Answer")

router = APIRouter(tags=["session"])


class Credentials(BaseModel):
    """What a person types."""

    username: str = Field(max_length=256, examples=["admin"])
    password: str = Field(max_length=1024, examples=["the one from the first start"])


class PasswordChange(BaseModel):
    """The password so far, and the one from now on."""

    current_password: str = Field(max_length=1024, examples=["the one from the first start"])
    new_password: str = Field(max_length=1024, description=STRONG, examples=["kettle-violin-93-harbour"])


@dataclass(frozen=True, slots=True)
class Who:
    """Who is signed in."""

    username: str
    role: Role


@dataclass(frozen=True, slots=True)
class SessionView:
    """A signed-in browser."""

    id: str
    created_at: Time
    expires_at: Time
    address: str
    user_agent: str | None
    current: Annotated[bool, Field(description="the one that asks")]


@dataclass(frozen=True, slots=True)
class SessionList:
    """One's own sessions, newest first."""

    items: list[SessionView]


@router.post("/session", summary="Sign in", responses=answers(401, 403, 422, 429))
async def sign_in(credentials: Credentials, request: Request, response: Response, parts: PartsOf) -> Who:
    """Answers with the cookie `vqm_session`. Wrong credentials are answered late, and later each time; after 20 of an
    address or a user, 429 until five minutes have been quiet."""
    address, browser = address_of(request), request.headers.get("user-agent")
    signed_in = await _guess(
        parts,
        source_of(address),
        credentials.username,
        lambda: parts.auth.sign_in(credentials.username, credentials.password, address, browser),
    )
    if signed_in is None:
        raise HTTPException(401, "wrong user name or password")
    cookie, caller = signed_in
    response.set_cookie(
        COOKIE,
        cookie,
        max_age=int(SESSION_S),
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return Who(caller.username, caller.role)


@router.get("/session", summary="Who is signed in", responses=answers(401))
async def who_am_i(caller: Identified) -> Who:
    """The user of the session cookie, or whom the token stands for."""
    return Who(caller.username, caller.role)


@router.delete("/session", status_code=204, summary="Sign out", responses=answers(403))
async def sign_out(request: Request, response: Response, parts: PartsOf) -> None:
    """Ends the session; also answers 204 when there was none."""
    cookie = request.cookies.get(COOKIE)
    if cookie:
        await parts.auth.sign_out(cookie, address_of(request))
    response.delete_cookie(COOKIE, httponly=True, samesite="strict")


@router.put(
    "/session/password",
    status_code=204,
    summary="Change one's password",
    responses=answers(401, 403, 409, 422, 429),
)
async def change_password(change: PasswordChange, caller: Oneself, origin: OriginOf, parts: PartsOf) -> None:
    """Ends one's other sessions. 403: the current password is wrong; 409: it is that of `VQM_ADMIN_PASSWORD`."""
    weak = weakness(caller.username, change.new_password)
    if weak is not None:
        raise HTTPException(422, weak)
    right = await _guess(
        parts,
        source_of(origin.address or ""),
        caller.username,
        lambda: parts.users.change_own_password(caller, change.current_password, change.new_password, origin),
    )
    if not right:
        raise HTTPException(403, "the current password is wrong")


@router.get("/sessions", summary="One's own sessions", responses=answers(401, 403))
async def list_sessions(caller: Oneself, parts: PartsOf) -> SessionList:
    """The browsers that one is signed in with."""
    found = await parts.auth.sessions(caller.username)
    return SessionList(
        [
            SessionView(
                each.session_id,
                each.created_at,
                each.expires_at,
                each.address,
                each.user_agent,
                each.session_id == caller.session,
            )
            for each in found
        ]
    )


@router.delete("/sessions", status_code=204, summary="End one's other sessions", responses=answers(401, 403))
async def end_other_sessions(caller: Oneself, origin: OriginOf, parts: PartsOf) -> None:
    """All but the one that asks."""
    await parts.auth.end_sessions(caller.username, origin, but=caller.session)


@router.delete("/sessions/{session}", status_code=204, summary="End a session", responses=answers(401, 403, 404))
async def end_session(
    session: Annotated[str, Path(max_length=64)], caller: Oneself, origin: OriginOf, parts: PartsOf
) -> None:
    """One of one's own."""
    if not await parts.auth.end_session(caller.username, session, origin):
        raise HTTPException(404, "no such session of yours")


async def _guess(parts: Parts, source: str, username: str, check: Callable[[], Awaitable[Answer]]) -> Answer:
    """What the check of a password says; later and later when it says that it is wrong.

    Raises:
        HTTPException: 429, too many have been wrong.
    """
    wait = parts.throttle.enter(source, username, parts.now())
    if wait is not None:
        raise HTTPException(429, "too many wrong passwords; try again later", {"Retry-After": str(math.ceil(wait))})
    try:
        answer = await check()
        if answer:
            parts.throttle.succeeded(source, username)
        else:
            await asyncio.sleep(parts.throttle.failed(source, username, parts.now()))
    finally:
        parts.throttle.leave(source)
    return answer
