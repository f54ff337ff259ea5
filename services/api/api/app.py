"""The ASGI application, put together from its parts. Reads no setting and no clock."""

from typing import Any

from fastapi import APIRouter, Depends, FastAPI
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from api import problems
from api.door import EncodedCallIds, Identified, SameOrigin, SecureHeaders, audited
from api.parts import Parts
from api.routes import (
    accounts,
    audit,
    calls,
    captures,
    config_help,
    devices,
    health,
    kpis,
    live,
    metrics,
    session,
    system,
    tokens,
    users,
)
from api.routes.pages import Pages

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]

DESCRIPTION = """Calls, their quality per direction as measured from the RTP, registered devices, security events.

Sign in with `POST /api/v1/session` and send its cookie, or send a token: `Authorization: Bearer vqm_…`. A viewer reads;
an administrator may do all. A token does what its scopes say, as far as its maker may: `read` (safe methods), `write`
(all others), `admin` (changes to users and tokens), `metrics` (only /metrics).

Null means not known, never zero. Times are RFC 3339 in UTC. Errors are problem details (RFC 9457): 401, nobody is
signed in; 403, your role or your token does not allow this."""


def create_app(parts: Parts) -> ASGIApp:
    """The application: REST under /api/v1, /ws, /healthz, /readyz, /metrics and the pages."""
    app = FastAPI(
        title="VoIP Quality Monitor",
        version="1",
        description=DESCRIPTION,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        max_body_size=65_536,  # the largest thing anybody sends is a password; captures have their own
    )
    app.state.parts = parts
    problems.install(app)
    app.include_router(_rest(app))
    app.include_router(live.router)
    app.include_router(health.router)
    app.include_router(metrics.router)
    app.mount("/", Pages(parts.web_dir))
    return SecureHeaders(SameOrigin(EncodedCallIds(app)))


def _rest(app: FastAPI) -> APIRouter:
    guarded = APIRouter(dependencies=[Depends(audited, scope="function")])
    for router in (
        accounts.router,
        calls.router,
        kpis.router,
        devices.router,
        captures.router,
        config_help.router,
        system.router,
    ):
        guarded.include_router(router)

    @guarded.get("/openapi.json", include_in_schema=False)
    async def openapi() -> dict[str, Any]:
        return _with_problem(app.openapi())

    rest = APIRouter(prefix="/api/v1")
    for router in (session.router, users.router, tokens.router, audit.router):
        rest.include_router(router)
    rest.include_router(guarded)

    @rest.api_route("/{path:path}", methods=METHODS, include_in_schema=False)
    async def nothing(_: Identified) -> None:
        raise HTTPException(404, "there is nothing here")  # which is nobody's business who is not signed in

    return rest


def _with_problem(schema: dict[str, Any]) -> dict[str, Any]:
    """The schemas that the error answers refer to; no route returns them by itself."""
    schemas = schema.setdefault("components", {}).setdefault("schemas", {})
    schemas |= {"Problem": problems.PROBLEM.json_schema(), "ImportProblem": accounts.IMPORT_PROBLEM.json_schema()}
    return schema
