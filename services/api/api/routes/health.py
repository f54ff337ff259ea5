"""For whoever watches over us: does the process live, can the system take calls."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from fastapi import APIRouter, Response
from pydantic import TypeAdapter
from sqlalchemy import text

from api.parts import Parts, PartsOf
from api.problems import encoded
from api.store.database import DatabaseUnavailable
from shared.broker import BrokerLost
from shared.health import alive

TIMEOUT_S = 2.0
NEEDED = ("sip-proxy", "rtp-analyzer")

router = APIRouter(tags=["health"])


@dataclass(frozen=True, slots=True)
class Readiness:
    """Which parts of the system work, and why the others do not."""

    ok: list[str]
    failing: dict[str, str]


@dataclass(frozen=True, slots=True)
class Liveness:
    """The process answers."""

    ok: bool = True


_READINESS = TypeAdapter(Readiness)


@router.get("/healthz", summary="Liveness")
async def healthz() -> Liveness:
    """Always true: whoever can say it lives."""
    return Liveness()


@router.get("/readyz", summary="Readiness", response_model=Readiness, responses={503: {"model": Readiness}})
async def readyz(parts: PartsOf) -> Response:
    """Asks the broker, the database and the heartbeats of the other services; 503 when something is missing."""
    readiness = Readiness([], {})
    await _check(readiness, "database", lambda: _ask_database(parts))
    services: set[str] = set()
    await _check(readiness, "broker", lambda: _ask_broker(parts, services))
    for service in NEEDED:
        if service in services:
            readiness.ok.append(service)
        else:
            readiness.failing[service] = "no heartbeat"
    response = encoded(_READINESS, readiness)
    response.status_code = 503 if readiness.failing else 200
    return response


async def _check(readiness: Readiness, name: str, ask: Callable[[], Awaitable[None]]) -> None:
    try:
        async with asyncio.timeout(TIMEOUT_S):
            await ask()
        readiness.ok.append(name)
    except TimeoutError:
        readiness.failing[name] = f"no answer within {TIMEOUT_S:.0f} s"
    except (BrokerLost, DatabaseUnavailable) as error:
        readiness.failing[name] = type(error).__name__


async def _ask_database(parts: Parts) -> None:
    async with parts.database.reading() as connection:
        await connection.execute(text("SELECT 1"))


async def _ask_broker(parts: Parts, services: set[str]) -> None:
    services.update(heartbeat.service for heartbeat in await alive(parts.state))
