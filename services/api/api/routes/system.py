"""The system itself: relay workers, services, security events."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import TypeAdapter

from api.parts import PartsOf
from api.problems import answers, encoded
from api.services import ServiceView
from api.shapes import SecurityEventView, WorkerView
from api.store import queries
from api.views import worker_view
from shared.health import alive

router = APIRouter(tags=["system"])


@dataclass(frozen=True, slots=True)
class WorkerPage:
    """Relay workers that live, the least loaded first."""

    items: list[WorkerView]


@dataclass(frozen=True, slots=True)
class ServicePage:
    """Services with their counters."""

    items: list[ServiceView]


@dataclass(frozen=True, slots=True)
class SecurityEventPage:
    """Security events, newest first."""

    items: list[SecurityEventView]


_WORKERS, _SERVICES, _EVENTS = TypeAdapter(WorkerPage), TypeAdapter(ServicePage), TypeAdapter(SecurityEventPage)


@router.get("/workers", summary="Relay workers", response_model=WorkerPage, responses=answers(401, 503))
async def list_workers(parts: PartsOf) -> Response:
    """What each worker says of itself once a second."""
    return encoded(_WORKERS, WorkerPage([worker_view(status) for status in await parts.workers.live()]))


@router.get("/services", summary="Services", response_model=ServicePage, responses=answers(401, 503))
async def list_services(parts: PartsOf) -> Response:
    """From the heartbeats: who lives, who did, who should."""
    return encoded(_SERVICES, ServicePage(parts.services.observe(await alive(parts.state))))


@router.get("/security-events", summary="Security", response_model=SecurityEventPage, responses=answers(401, 422))
async def list_security_events(parts: PartsOf, limit: Annotated[int, Query(ge=1, le=1000)] = 100) -> Response:
    """Challenges, wrong passwords, garbage on the SIP ports."""
    async with parts.database.reading() as connection:
        found = await queries.security_events(connection, limit)
    return encoded(_EVENTS, SecurityEventPage([SecurityEventView(**row) for row in found]))
