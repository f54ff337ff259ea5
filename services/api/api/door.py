"""What stands before every route: sign-in, same-origin check, security headers."""

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Send
from starlette.types import Scope as Connection

from api.access import SAFE_METHODS, Caller, Scope, scope_of
from api.parts import PartsOf

COOKIE = "vqm_session"
CALLS_PATH = "/api/v1/calls/"

SECURITY_HEADERS = {
    # Everything the pages need comes from here; they work on a closed network and nothing else may run in them.
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


async def identified(connection: HTTPConnection, parts: PartsOf) -> Caller:
    """Whose session cookie came along.

    Raises:
        HTTPException: 401, nobody is signed in.
    """
    token = connection.cookies.get(COOKIE)
    user = await parts.auth.user_of(token) if token else None
    if user is None:
        raise HTTPException(401, "sign in first: POST /api/v1/session")
    return Caller.of_session(user.username, user.role, "")


Identified = Annotated[Caller, Depends(identified)]


async def signed_in(connection: HTTPConnection, caller: Identified) -> Caller:
    """Whoever may read, for safe methods; whoever may write, for all others.

    Raises:
        HTTPException: 401, nobody is signed in; 403, his role or his token does not allow this.
    """
    _demand(caller, scope_of(connection.scope.get("method", "GET")))  # a WebSocket has none, and only pushes
    return caller


async def admin(caller: Annotated[Caller, Depends(signed_in)]) -> Caller:
    """The same, of an administrator.

    Raises:
        HTTPException: 401, nobody is signed in; 403, his role or his token does not allow this.
    """
    if caller.role != "admin":
        raise HTTPException(403, "this needs the role admin")
    return caller


SignedIn = Annotated[Caller, Depends(signed_in)]
Admin = Annotated[Caller, Depends(admin)]


def _demand(caller: Caller, *scopes: Scope) -> None:
    refusal = caller.refusal(*scopes)
    if refusal is not None:
        raise HTTPException(403, refusal)


class SameOrigin:
    """Refuses what a page of another origin asks a signed-in browser to do: unsafe methods, and the WebSocket."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Connection, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket") or _is_same_origin(scope):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 4403})  # before the handshake ends: HTTP 403
        else:
            body = {"type": "about:blank", "title": "Forbidden", "status": 403, "detail": "foreign Origin"}
            await JSONResponse(body, 403, media_type="application/problem+json")(scope, receive, send)


class SecureHeaders:
    """Adds the security headers to every answer, and keeps what REST answers out of caches."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Connection, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(SECURITY_HEADERS)
                if scope["path"].startswith("/api/"):
                    headers["Cache-Control"] = "no-store"
            await send(message)

        await self._app(scope, receive, send_with_headers)


class EncodedCallIds:
    """Leaves the path of a call percent-encoded: a Call-ID may hold a slash (RFC 3261 25.1), so the routes split the
    path first and decode the Call-ID then."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Connection, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith(CALLS_PATH):
            scope = {**scope, "path": scope["raw_path"].decode("ascii")}
        await self._app(scope, receive, send)


def _is_same_origin(scope: Connection) -> bool:
    if scope["type"] == "http" and scope["method"] in SAFE_METHODS:
        return True
    headers = Headers(scope=scope)
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc.lower() == headers.get("host", "").lower() != ""
