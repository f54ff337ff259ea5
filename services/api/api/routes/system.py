"""The system itself: relay workers, services, security events."""

from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response
from pydantic import Field, TypeAdapter

from api.parts import PartsOf
from api.problems import answers, encoded
from api.services import ServiceView
from api.shapes import SecurityEventView, Time, WorkerView
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


@dataclass(frozen=True, slots=True)
class KeptView:
    """How long one kind of thing is kept."""

    kind: Annotated[str, Field(description="course: rows of five seconds, which become minutes; minutes: those")]
    keep_days: Annotated[float, Field(description="0: for ever")]
    done: Annotated[int, Field(description="taken away, or rolled up, since the start of this api")]
    last_run_at: Time | None


@dataclass(frozen=True, slots=True)
class StorageView:
    """The database, its disk, and what is kept how long."""

    database: Literal["sqlite", "postgresql"]
    size_bytes: int
    free_bytes: Annotated[int | None, Field(description="on its disk; null: the database is a server")]
    reserve_bytes: int
    stores_details: Annotated[
        bool,
        Field(description="false: the disk is nearly full; only calls, devices and security events are stored"),
    ]
    kinds: list[KeptView]


_STORAGE = TypeAdapter(StorageView)
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


@router.get("/storage", summary="What is kept", response_model=StorageView, responses=answers(401, 503))
async def get_storage(parts: PartsOf) -> Response:
    """The size of the database, the room on its disk, and how long each kind of thing is kept (`VQM_KEEP_…_DAYS`)."""
    async with parts.database.reading() as connection:
        size_bytes = await queries.size_bytes(connection)
    kinds = [KeptView(name, it.keep_days, it.done, it.last_run_at) for name, it in parts.retention.kinds.items()]
    disk = parts.disk
    view = StorageView(
        parts.database.kind, size_bytes, disk.free_bytes(), disk.reserve_bytes, disk.keeps_details(), kinds
    )
    return encoded(_STORAGE, view)
