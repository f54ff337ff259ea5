"""`vqm:registrations`: who can be reached, and where."""

from typing import Literal

from pydantic import Field

from shared.events.base import Aor, Epoch, Event, HostPort, Transport


class _Binding(Event):
    aor: Aor
    contact: str = Field(max_length=1024, description="the Contact URI as the device sent it")
    source: HostPort = Field(description="where its REGISTER really came from (NAT)")
    transport: Transport
    user_agent: str | None = Field(default=None, max_length=256, description="as the device names itself")


class DeviceRegistered(_Binding):
    """A contact that was not bound before."""

    type: Literal["DeviceRegistered"] = "DeviceRegistered"
    expires_at: Epoch


class RegistrationRefreshed(_Binding):
    """The same contact again, from the same source."""

    type: Literal["RegistrationRefreshed"] = "RegistrationRefreshed"
    expires_at: Epoch


class RegistrationMoved(_Binding):
    """The same contact again, from another source address: a NAT or a network changed."""

    type: Literal["RegistrationMoved"] = "RegistrationMoved"
    expires_at: Epoch
    previous_source: HostPort


class UserAgentChanged(_Binding):
    """The same contact again, from other software: an update, or somebody else who has the password."""

    type: Literal["UserAgentChanged"] = "UserAgentChanged"
    previous_user_agent: str | None = Field(max_length=256)


class DeviceUnregistered(_Binding):
    """The device took its binding back (Expires: 0)."""

    type: Literal["DeviceUnregistered"] = "DeviceUnregistered"


class RegistrationExpired(_Binding):
    """The device did not refresh in time."""

    type: Literal["RegistrationExpired"] = "RegistrationExpired"


REGISTRATIONS = (
    DeviceRegistered,
    RegistrationRefreshed,
    RegistrationMoved,
    UserAgentChanged,
    DeviceUnregistered,
    RegistrationExpired,
)
