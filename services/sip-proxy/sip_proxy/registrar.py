"""The registrar of RFC 3261 10.3 as a pure function: bindings and a REGISTER in, bindings or a refusal out.

The bindings of one address of record are one JSON document in Redis (`location.py` keeps it), so that a REGISTER is
all or nothing, and any replica or a restarted proxy sees the same.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pydantic import Field

from shared.events import (
    DeviceRegistered,
    DeviceUnregistered,
    Event,
    RegistrationExpired,
    RegistrationMoved,
    RegistrationRefreshed,
    Value,
)
from sip_proxy.effects import Address, Flow, Transport
from sip_proxy.sip.grammar import format_params
from sip_proxy.sip.headers import NameAddr, parse_delta_seconds
from sip_proxy.sip.message import Request
from sip_proxy.sip.uri import parse_uri, uris_equal
from sip_proxy.texts import clean_or_none, is_unicode

HOUR_S = 3600  # RFC 3261 10.3 step 7: a shorter wish may be refused, a longer one may not


@dataclass(frozen=True, slots=True)
class Limits:
    """How long and how many bindings we keep."""

    min_expires_s: int = 60
    default_expires_s: int = 3600  # RFC 3261 10.3 step 7 leaves it to us; what gateways ask for
    max_expires_s: int = 7200
    max_contacts: int = 10


class Binding(Value):
    """One place where an address of record can be reached."""

    contact: str = Field(description="the URI as the device wrote it")
    params: str = Field(default="", description="its other Contact parameters, with `;`, for the answer")
    source: str = Field(description="where the REGISTER really came from: calls go there (NAT)")
    local: str = Field(description="our socket that it came in on")
    transport: Transport
    call_id: str
    cseq: int
    q: float = 1.0
    instance: str | None = Field(default=None, description="+sip.instance and reg-id (RFC 5626 6.1)")
    user_agent: str | None = None
    registered_at: float
    expires_at: float

    @property
    def flow(self) -> Flow:
        return Flow(self.transport, Address.parse(self.local), Address.parse(self.source))


class Bindings(Value):
    """What `vqm:registration:<aor>` holds."""

    aor: str
    bindings: tuple[Binding, ...] = ()

    def live(self, now: float) -> tuple[Binding, ...]:
        """Those not expired; the preferred first (q), then the newest."""
        alive = [binding for binding in self.bindings if binding.expires_at > now]
        return tuple(sorted(alive, key=lambda binding: (-binding.q, -binding.registered_at)))


@dataclass(frozen=True, slots=True)
class Refused:
    """A REGISTER that changes nothing."""

    status: int
    reason: str
    min_expires_s: int | None = None  # RFC 3261 20.23, with 423


@dataclass(frozen=True, slots=True)
class Accepted:
    """The bindings as they are now, and what happened to get there."""

    bindings: Bindings
    events: tuple[Event, ...]


class _Abort(Exception):
    def __init__(self, refused: Refused) -> None:
        self.refused = refused


def register(bindings: Bindings, request: Request, flow: Flow, now: float, limits: Limits) -> Accepted | Refused:
    """RFC 3261 10.3 steps 6 to 8, after authentication."""
    bindings, expired = expire(bindings, now)
    contacts = request.contacts
    try:
        if contacts == "*":
            kept, events = _remove_all(bindings, request, now)
        else:
            kept, events = _change_each(bindings, request, contacts, flow, now, limits)
    except _Abort as abort:
        return abort.refused
    return Accepted(Bindings(aor=bindings.aor, bindings=kept), (*expired, *events))


def expire(bindings: Bindings, now: float) -> tuple[Bindings, tuple[Event, ...]]:
    """The bindings without those that nobody refreshed in time, and what to tell about them."""
    gone = [binding for binding in bindings.bindings if binding.expires_at <= now]
    kept = tuple(binding for binding in bindings.bindings if binding.expires_at > now)
    told = tuple(RegistrationExpired(**_facts(bindings.aor, binding, now)) for binding in gone)
    return Bindings(aor=bindings.aor, bindings=kept), told


def contact_headers(bindings: Bindings, now: float) -> list[tuple[str, str]]:
    """RFC 3261 10.3 step 8: every current binding with the time it still has, as the device wrote it."""
    return [
        ("Contact", f"<{binding.contact}>{binding.params};expires={max(0, round(binding.expires_at - now))}")
        for binding in bindings.bindings
    ]


def _remove_all(bindings: Bindings, request: Request, now: float) -> tuple[tuple[Binding, ...], list[Event]]:
    # RFC 3261 10.3 step 6
    if request.expires != 0:
        raise _Abort(Refused(400, "Contact * Needs Expires: 0"))
    for binding in bindings.bindings:
        _check_order(binding, request)
    return (), [DeviceUnregistered(**_facts(bindings.aor, binding, now)) for binding in bindings.bindings]


def _change_each(
    bindings: Bindings, request: Request, contacts: Iterable[NameAddr], flow: Flow, now: float, limits: Limits
) -> tuple[tuple[Binding, ...], list[Event]]:
    kept = list(bindings.bindings)
    events: list[Event] = []
    for contact in contacts:
        expires_s = _granted(contact, request, limits)
        new = _binding(contact, request, flow, now, expires_s)
        old = next((binding for binding in kept if _same(binding, new)), None)
        if old is not None:
            _check_order(old, request)
            kept.remove(old)
            new = new.model_copy(update={"registered_at": old.registered_at})
        if expires_s > 0:
            kept.append(new)
        event = _event(bindings.aor, old, new, now, removed=expires_s == 0)
        events += [event] if event is not None else []
    return _within(limits, bindings.aor, kept, events, now), events


def _within(limits: Limits, aor: str, kept: list[Binding], events: list[Event], now: float) -> tuple[Binding, ...]:
    """The newest bindings that we keep: a device behind a changing NAT leaves its old ones behind."""
    while len(kept) > limits.max_contacts:
        events.append(DeviceUnregistered(**_facts(aor, kept.pop(0), now)))
    return tuple(kept)


def _granted(contact: NameAddr, request: Request, limits: Limits) -> int:
    """RFC 3261 10.3 step 7: the parameter, else the header, else our default; too much is cut silently."""
    wish = parse_delta_seconds(contact.param("expires") or "")
    if wish is None:
        wish = request.expires
    if wish is None:
        wish = limits.default_expires_s
    if 0 < wish < limits.min_expires_s and wish < HOUR_S:
        raise _Abort(Refused(423, "Interval Too Brief", min_expires_s=limits.min_expires_s))
    return min(wish, limits.max_expires_s)


def _binding(contact: NameAddr, request: Request, flow: Flow, now: float, expires_s: int) -> Binding:
    if not is_unicode(str(contact)):
        raise _Abort(Refused(400, "Unusable Contact"))
    kept = tuple((name, value) for name, value in contact.params if name.lower() != "expires")
    instance = contact.param("+sip.instance")
    return Binding(
        contact=str(contact.uri),
        params=format_params(kept),
        source=str(flow.remote),
        local=str(flow.local),
        transport=flow.transport,
        call_id=request.call_id,
        cseq=request.cseq.number,
        q=_q(contact.param("q")),
        instance=None if instance is None else f"{instance};{contact.param('reg-id') or ''}",
        user_agent=clean_or_none(request.headers.get("User-Agent")),
        registered_at=now,
        expires_at=now + expires_s,
    )


def _q(text: str | None) -> float:
    try:
        return min(1.0, max(0.0, float(text))) if text else 1.0
    except ValueError:
        return 1.0


def _same(old: Binding, new: Binding) -> bool:
    """RFC 3261 10.3 step 7 compares the URIs; a device that names its instance may change them (RFC 5626 6.1)."""
    if old.instance is not None and old.instance == new.instance:
        return True
    return uris_equal(parse_uri(old.contact), parse_uri(new.contact))


def _check_order(old: Binding, request: Request) -> None:
    # RFC 3261 10.3 steps 6 and 7: what arrives out of order fails as a whole
    if old.call_id == request.call_id and request.cseq.number <= old.cseq:
        raise _Abort(Refused(500, "CSeq Out Of Order"))


def _event(aor: str, old: Binding | None, new: Binding, now: float, *, removed: bool) -> Event | None:
    if removed:
        return None if old is None else DeviceUnregistered(**_facts(aor, old, now))
    if old is None:
        return DeviceRegistered(**_facts(aor, new, now), expires_at=new.expires_at)
    if old.source != new.source:
        return RegistrationMoved(**_facts(aor, new, now), expires_at=new.expires_at, previous_source=old.source)
    return RegistrationRefreshed(**_facts(aor, new, now), expires_at=new.expires_at)


def _facts(aor: str, binding: Binding, at: float) -> dict[str, Any]:
    return {
        "at": at,
        "aor": aor,
        "contact": binding.contact,
        "source": binding.source,
        "transport": binding.transport,
        "user_agent": binding.user_agent,
    }
