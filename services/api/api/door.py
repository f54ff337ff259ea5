"""What stands before every route: sign-in, same-origin check, security headers."""

from collections.abc import AsyncIterator
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request
from fastapi.openapi.models import APIKey, APIKeyIn, HTTPBearer
from fastapi.openapi.models import SecurityBase as SecurityScheme
from fastapi.security.base import SecurityBase
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Send
from starlette.types import Scope as Connection

from api.access import SAFE_METHODS, Caller, Origin, Scope
from api.parts import Parts, PartsOf

COOKIE = "vqm_session"
CALLS_PATH = "/api/v1/calls/"
TARGET_MAX = 256

_CHALLENGE = {"WWW-Authenticate": 'Bearer realm="VoIP Quality Monitor"'}  # RFC 9110 11.6.1

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


class _Scheme(SecurityBase):
    """Tells OpenAPI how one signs in; the work is done by `identified`."""

    def __init__(self, name: str, model: SecurityScheme) -> None:
        self.scheme_name = name
        self.model = model

    async def __call__(self) -> None:
        """Nothing to do."""


_SESSION = _Scheme("session", APIKey(**{"in": APIKeyIn.cookie}, name=COOKIE, description="from POST /api/v1/session"))
_TOKEN = _Scheme("token", HTTPBearer(bearerFormat="vqm_…", description="from POST /api/v1/tokens"))


async def identified(
    connection: HTTPConnection,
    parts: PartsOf,
    _: Annotated[None, Depends(_SESSION)],
    __: Annotated[None, Depends(_TOKEN)],
) -> Caller:
    """Whose token (RFC 6750) or else session cookie came along.

    Raises:
        HTTPException: 401, it is nobody's, or there is none.
    """
    return await identify(connection, parts)


async def identify(connection: HTTPConnection, parts: Parts) -> Caller:
    """The same, for what is no route of REST."""
    token = _bearer(connection.headers)
    if token is not None:
        caller = await parts.tokens.caller_of(token)
        if caller is None:
            raise HTTPException(401, "this token is not known, or no longer valid", _CHALLENGE)
        return caller
    cookie = connection.cookies.get(COOKIE)
    caller = await parts.auth.caller_of(cookie) if cookie else None
    if caller is None:
        raise HTTPException(401, "sign in first: POST /api/v1/session, or send a token", _CHALLENGE)
    return caller


def demand(caller: Caller, *scopes: Scope) -> None:
    """Raises HTTPException (403) when the caller has none of the scopes."""
    refusal = caller.refusal(*scopes)
    if refusal is not None:
        raise HTTPException(403, refusal)


Identified = Annotated[Caller, Depends(identified)]


async def _signed_in(request: Request, caller: Identified) -> Caller:
    demand(caller, "read" if request.method in SAFE_METHODS else "write")
    return caller


async def _admin(caller: Annotated[Caller, Depends(_signed_in)]) -> Caller:
    _demand_admin(caller)
    return caller


async def _access_admin(request: Request, caller: Identified) -> Caller:
    demand(caller, "read" if request.method in SAFE_METHODS else "admin")
    _demand_admin(caller)
    return caller


async def _oneself(request: Request, caller: Identified) -> Caller:
    if caller.token is not None:
        demand(caller, "read" if request.method in SAFE_METHODS else "admin")
    return caller


def _demand_admin(caller: Caller) -> None:
    if caller.role != "admin":
        raise HTTPException(403, "this needs the role admin")


# Who may use a route. Each answers 401 to strangers, and 403 to whom his role or his token does not allow it.
SignedIn = Annotated[Caller, Depends(_signed_in)]  # anybody for safe methods, administrators for others
Admin = Annotated[Caller, Depends(_admin)]  # administrators
AccessAdmin = Annotated[Caller, Depends(_access_admin)]  # the same; a token needs the scope `admin` to change anything
Oneself = Annotated[Caller, Depends(_oneself)]  # anybody, for what is his own


async def _origin(request: Request, caller: Identified) -> Origin:
    return Origin(caller.username, address_of(request), caller.token)


OriginOf = Annotated[Origin, Depends(_origin)]


async def audited(request: Request, origin: OriginOf, parts: PartsOf, _: SignedIn) -> AsyncIterator[None]:
    """Writes down each change that was made."""
    yield
    if request.method not in SAFE_METHODS:
        await parts.audit.changed(origin, f"{request.method} {request.url.path}"[:TARGET_MAX])


def address_of(connection: HTTPConnection) -> str:
    """Where a request comes from; empty: over a unix socket."""
    return connection.client.host if connection.client else ""


def _bearer(headers: Headers) -> str | None:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


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
            body = {
                "type": "about:blank",
                "title": "Forbidden",
                "status": 403,
                "detail": "from another origin",
            }
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
    headers = Headers(scope=scope)
    if scope["type"] == "http" and scope["method"] in SAFE_METHODS:
        return True
    if _bearer(headers) is not None:
        return True  # no browser adds that by itself, and no page of another origin may
    # https://www.w3.org/TR/fetch-metadata/#sec-fetch-site-header; browsers send it over TLS and to localhost
    if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc.lower() == headers.get("host", "").lower() != ""
