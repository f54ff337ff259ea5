"""Signing in and out."""

import asyncio

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from api.auth import SESSION_S, User
from api.door import COOKIE, Identified
from api.parts import PartsOf
from api.problems import answers

router = APIRouter(tags=["session"])


class Credentials(BaseModel):
    """What a person types."""

    username: str = Field(max_length=256, examples=["admin"])
    password: str = Field(max_length=1024)


@router.post("/session", summary="Sign in", responses=answers(401, 403, 422, 429))
async def sign_in(credentials: Credentials, request: Request, response: Response, parts: PartsOf) -> User:
    """Answers with the cookie `vqm_session`. Wrong credentials are answered late, and later each time."""
    address = request.client.host if request.client else ""
    if not parts.throttle.enter(address):
        raise HTTPException(429, "too many sign-ins at once from this address", {"Retry-After": "5"})
    try:
        session = await parts.auth.sign_in(credentials.username, credentials.password)
        if session is None:
            await asyncio.sleep(parts.throttle.failed(address, parts.now()))
            raise HTTPException(401, "wrong user name or password")
    finally:
        parts.throttle.leave(address)
    parts.throttle.succeeded(address)
    token, user = session
    response.set_cookie(
        COOKIE,
        token,
        max_age=int(SESSION_S),
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return user


@router.get("/session", summary="Who is signed in", responses=answers(401))
async def who_am_i(caller: Identified) -> User:
    """The user of the session cookie."""
    return User(caller.username, caller.role)


@router.delete("/session", status_code=204, summary="Sign out", responses=answers(403))
async def sign_out(request: Request, response: Response, parts: PartsOf) -> None:
    """Ends the session; also answers 204 when there was none."""
    token = request.cookies.get(COOKIE)
    if token:
        await parts.auth.sign_out(token)
    response.delete_cookie(COOKIE, httponly=True, samesite="strict")
