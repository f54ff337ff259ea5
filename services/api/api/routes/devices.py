"""Registered devices, and whether gateways answer."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import AwareDatetime, TypeAdapter

from api.feed import DEVICES_SHOWN
from api.parts import PartsOf
from api.problems import answers, encoded
from api.shapes import GatewayView, ProbeView, RegistrationView
from api.store import queries, rows
from api.views import registration_view

router = APIRouter(tags=["devices"])


@dataclass(frozen=True, slots=True)
class RegistrationPage:
    """Devices that are registered, and those that were."""

    items: list[RegistrationView]


@dataclass(frozen=True, slots=True)
class GatewayPage:
    """Contacts that are asked with OPTIONS whether they live."""

    items: list[GatewayView]


@dataclass(frozen=True, slots=True)
class ProbePage:
    """Single probes, newest first."""

    items: list[ProbeView]


_PAGE, _GATEWAYS, _PROBES = TypeAdapter(RegistrationPage), TypeAdapter(GatewayPage), TypeAdapter(ProbePage)


@router.get("/registrations", summary="Devices", response_model=RegistrationPage, responses=answers(401))
async def list_registrations(parts: PartsOf) -> Response:
    """One item a contact, the most recently heard of first."""
    async with parts.database.reading() as connection:
        found = await queries.devices(connection, DEVICES_SHOWN)
    now = parts.now()
    return encoded(_PAGE, RegistrationPage([registration_view(device, now) for device in found]))


@router.get("/gateways", summary="Gateways", response_model=GatewayPage, responses=answers(401))
async def list_gateways(parts: PartsOf) -> Response:
    """One item a contact, with its newest probe; the most recently heard of first."""
    async with parts.database.reading() as connection:
        found = await queries.gateways(connection, DEVICES_SHOWN)
    return encoded(_GATEWAYS, GatewayPage([GatewayView(*rows.gateway_row(gateway)) for gateway in found]))


@router.get("/gateways/probes", summary="Probes of a gateway", response_model=ProbePage, responses=answers(401, 422))
async def list_probes(
    parts: PartsOf,
    aor: Annotated[str, Query(max_length=512, examples=["gateway@example.com"])],
    contact: Annotated[str, Query(max_length=1024, examples=["sip:gateway@192.0.2.1:5060"])],
    since: Annotated[AwareDatetime | None, Query(description="at this moment or later (RFC 3339)")] = None,
    limit: Annotated[int, Query(ge=1, le=5000)] = 500,
) -> Response:
    """The history of its round-trip time; kept for `VQM_KEEP_PROBES_DAYS`."""
    async with parts.database.reading() as connection:
        found = await queries.probes(connection, (aor, contact), since.timestamp() if since else 0.0, limit)
    return encoded(_PROBES, ProbePage([ProbeView(*probe) for probe in found]))
