"""How to configure a device for this server: text to copy, and how to see that it works."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import Field, TypeAdapter
from starlette.exceptions import HTTPException

from api.config_help.catalogue import Check, Confidence, Device, Transport, Words, devices, general
from api.config_help.fill_in import Filled, Wanted, fill_in
from api.parts import PartsOf
from api.problems import answers, encoded

router = APIRouter(tags=["devices"])

# What may stand in a SIP user, without what would mean something in one of the devices' own files.
SipUser = Annotated[str, Query(pattern=r"^[A-Za-z0-9._+\-]{1,64}$")]
Host = Annotated[
    str | None,
    Query(
        pattern=r"^[A-Za-z0-9.\-]{1,253}$|^[0-9A-Fa-f:.]{2,45}$",
        description="name or address that the device reaches this server by; default: VQM_PUBLIC_ADDRESS, else that of "
        "this request",
    ),
]


@dataclass(frozen=True, slots=True)
class DeviceName:
    """A device that there is help for."""

    id: Annotated[str, Field(description="for /config-help/{device}", examples=["asterisk-pjsip"])]
    name: str
    kind: Annotated[str, Field(description="gateway, adapter, phone, softphone or pbx")]
    confidence: Confidence
    transports: tuple[Transport, ...]


@dataclass(frozen=True, slots=True)
class DeviceNames:
    """All of them, by name."""

    items: list[DeviceName]


@dataclass(frozen=True, slots=True)
class ConfigHelp:
    """The text for one device, transport and account."""

    device: DeviceName
    transport: Transport
    server: Annotated[str, Field(description="as the device will call it", examples=["sip.example.com:5060"])]
    parts: Annotated[list[Filled], Field(description="each into the place that it names")]
    notes: list[Words]
    checks: Annotated[list[Check], Field(description="how to see that it works, in this order")]


_NAMES, _HELP = TypeAdapter(DeviceNames), TypeAdapter(ConfigHelp)


@router.get("/config-help", summary="Devices with help", response_model=DeviceNames, responses=answers(401))
async def list_devices() -> Response:
    """The devices that there is a configuration for."""
    return encoded(_NAMES, DeviceNames([_name(device) for device in devices().values()]))


@router.get(
    "/config-help/{device}",
    summary="Configuration of a device",
    response_model=ConfigHelp,
    responses=answers(401, 404, 422),
)
async def configure(
    request: Request,
    parts: PartsOf,
    device: Annotated[str, Path(examples=["asterisk-pjsip"], max_length=64)],
    account: SipUser,
    transport: Transport = "udp",
    auth_user: SipUser | None = None,
    host: Host = None,
) -> Response:
    """Ready to copy; the password is for you to fill in."""
    known = devices().get(device)
    if known is None:
        raise HTTPException(404, f"no help for this device; there is for {', '.join(devices())}")
    if transport not in known.transports:
        raise HTTPException(422, f"{known.name} speaks {', '.join(known.transports)}")
    server = parts.sip_server.named(host) if host else parts.sip_server.seen_from(request.url.hostname)
    notes = [note for note in (*known.notes, *general().notes) if transport in note.transports]
    found = ConfigHelp(
        device=_name(known),
        transport=transport,
        server=server.reached_by(transport),
        parts=fill_in(known, server, Wanted(transport, account, auth_user or account)),
        notes=[Words(en=note.en, it=note.it) for note in notes],
        checks=list(general().checks),
    )
    return encoded(_HELP, found)


def _name(device: Device) -> DeviceName:
    return DeviceName(device.id, device.name, device.kind, device.confidence, device.transports)
