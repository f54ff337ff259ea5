"""Registered devices."""

from dataclasses import dataclass

from fastapi import APIRouter, Response
from pydantic import TypeAdapter

from api.feed import DEVICES_SHOWN
from api.parts import PartsOf
from api.problems import answers, encoded
from api.shapes import RegistrationView
from api.store import queries
from api.views import registration_view

router = APIRouter(tags=["devices"])


@dataclass(frozen=True, slots=True)
class RegistrationPage:
    """Devices that are registered, and those that were."""

    items: list[RegistrationView]


_PAGE = TypeAdapter(RegistrationPage)


@router.get("/registrations", summary="Devices", response_model=RegistrationPage, responses=answers(401))
async def list_registrations(parts: PartsOf) -> Response:
    """One item a contact, the most recently heard of first."""
    async with parts.database.reading() as connection:
        found = await queries.devices(connection, DEVICES_SHOWN)
    now = parts.now()
    return encoded(_PAGE, RegistrationPage([registration_view(device, now) for device in found]))
