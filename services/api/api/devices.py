"""What the events say about a registered device, folded into one value. Pure; any order gives the same result."""

from dataclasses import dataclass, replace
from typing import Literal

from shared.events import (
    DeviceRegistered,
    DeviceUnregistered,
    RegistrationExpired,
    RegistrationMoved,
    RegistrationRefreshed,
)

DeviceEvent = DeviceRegistered | RegistrationRefreshed | RegistrationMoved | DeviceUnregistered | RegistrationExpired
DeviceKey = tuple[str, str]  # address of record, contact
Departure = Literal["expired", "unregistered"]
DeviceState = Literal["registered"] | Departure


@dataclass(frozen=True, slots=True)
class Device:
    """One contact of an address of record; the columns of the table `registrations`. Times are epoch seconds."""

    aor: str
    contact: str
    seen_at: float
    source: str
    transport: str
    user_agent: str | None
    registered_at: float | None = None
    refreshed_at: float | None = None
    expires_at: float | None = None
    gone_at: float | None = None
    gone_how: Departure | None = None

    @property
    def key(self) -> DeviceKey:
        return self.aor, self.contact

    def state(self, now: float) -> DeviceState:
        """A binding whose time is up has expired, also when nobody was left to say so."""
        if self.gone_how and self.gone_at is not None and self.gone_at >= (self.refreshed_at or 0.0):
            return self.gone_how
        if self.expires_at is not None and self.expires_at < now:
            return "expired"
        return "registered"


def fold_device(device: Device | None, event: DeviceEvent) -> Device:
    """The device after one more event."""
    if device is None:
        device = Device(event.aor, event.contact, event.at, event.source, event.transport, event.user_agent)
    elif event.at > device.seen_at:
        device = replace(
            device, seen_at=event.at, source=event.source, transport=event.transport, user_agent=event.user_agent
        )
    if isinstance(event, DeviceUnregistered | RegistrationExpired):
        if event.at < (device.gone_at or 0.0):
            return device
        gone_how: Departure = "unregistered" if isinstance(event, DeviceUnregistered) else "expired"
        return replace(device, gone_at=event.at, gone_how=gone_how)
    if event.at >= (device.refreshed_at or 0.0):
        device = replace(device, refreshed_at=event.at, expires_at=event.expires_at)
    if isinstance(event, DeviceRegistered):
        device = replace(device, registered_at=max(event.at, device.registered_at or 0.0))
    return device
