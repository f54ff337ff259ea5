"""The registrar of RFC 3261 10.3 as pure functions: a REGISTER in, the change that it asks for or a refusal out.

The change is then applied by one script on Redis (`shared/broker/registry.py`), which knows the bindings there are; so
a REGISTER is all or nothing, and any replica or a restarted proxy sees the same.
"""

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from shared.broker import Refusal
from shared.events import (
    DeviceRegistered,
    DeviceUnregistered,
    Event,
    RegistrationExpired,
    RegistrationMoved,
    RegistrationRefreshed,
    UserAgentChanged,
)
from sip_proxy.effects import Flow
from sip_proxy.registration.bindings import Binding, Bindings
from sip_proxy.registration.outbound import OPTION_TAGS, asks_for_flow, path_of
from sip_proxy.sip.grammar import format_params
from sip_proxy.sip.headers import NameAddr, parse_delta_seconds
from sip_proxy.sip.message import Request
from sip_proxy.sip.uri import comparison_key
from sip_proxy.texts import clean_or_none, is_unicode

MAX_PARAMS = 1024  # characters; those of a phone that names its instance and its methods are 200
HOUR_S = 3600  # RFC 3261 10.3 step 7: a shorter wish may be refused, a longer one may not


@dataclass(frozen=True, slots=True)
class Limits:
    """How long and how many bindings we keep."""

    min_expires_s: int = 60
    default_expires_s: int = 3600  # RFC 3261 10.3 step 7 leaves it to us; what gateways ask for
    max_expires_s: int = 7200
    max_contacts: int = 10  # of an address of record
    replace_oldest: bool = True  # when there are more; else the new one is refused
    same_place: bool = False  # a device without an instance replaces its old contact after a reboot
    spread: float = 0.0  # the part of its time that a registration may be cut by, so that not all come back at once


@dataclass(frozen=True, slots=True)
class Refused:
    """A REGISTER that changes nothing."""

    status: int
    reason: str
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """What a REGISTER asks for. A binding whose time is up already is one to take away."""

    call_id: str
    cseq: int
    contacts: tuple[Binding, ...] = ()
    all: bool = False  # take away every binding

    def to_json(self, limits: Limits) -> dict[str, Any]:
        """As the script takes it."""
        return {
            "call_id": self.call_id,
            "cseq": self.cseq,
            "contacts": [binding.to_json() for binding in self.contacts],
            "all": self.all,
            "max_contacts": limits.max_contacts,
            "replace_oldest": limits.replace_oldest,
            "same_place": limits.same_place,
        }


class _Abort(Exception):
    def __init__(self, refused: Refused) -> None:
        self.refused = refused


def asked(
    request: Request, flow: Flow, proxy: str, now: float, limits: Limits, mark: str | None = None
) -> Change | Refused:
    """RFC 3261 10.3 steps 6 and 7, as far as they depend on the request alone. `proxy`: the replica that serves it;
    `mark`: that of the account that asks.

    Raises:
        SipParseError: a Contact or Path that is no SIP URI, or a proxy on the way that does not keep flows.
    """
    contacts = request.contacts
    required = [tag for tag in request.headers.get_all("Require") if tag.lower() not in OPTION_TAGS]
    if required:
        return Refused(420, "Bad Extension", (("Unsupported", ", ".join(required)),))
    if contacts == "*":
        if request.expires != 0:
            return Refused(400, "Contact * Needs Expires: 0")
        return Change(request.call_id, request.cseq.number, all=True)
    if len(contacts) > limits.max_contacts:
        return _REFUSALS["full"]
    asks_for_flow(request)
    try:
        bindings = tuple(_binding(contact, request, flow, proxy, now, limits, mark) for contact in contacts)
    except _Abort as abort:
        return abort.refused
    return Change(request.call_id, request.cseq.number, bindings)


_REFUSALS: dict[Refusal, Refused] = {
    "out of order": Refused(500, "Out Of Order"),
    "full": Refused(403, "Too Many Contacts"),
}


def refused(why: Refusal) -> Refused:
    """The answer to what the script refused."""
    return _REFUSALS[why]


def events_of(aor: str, happened: Iterable[list[Any]], now: float) -> list[Event]:
    """What to tell about the things that happened with a change.

    Raises:
        TypeError: a binding that lacks something.
    """
    return [
        event for what, *bindings in happened for event in _events(aor, now, what, *map(Binding.from_json, bindings))
    ]


def contact_headers(bindings: Bindings, now: float) -> list[tuple[str, str]]:
    """RFC 3261 10.3 step 8: every current binding with the time it still has, as the device wrote it."""
    return [
        ("Contact", f"<{binding.contact}>{binding.params};expires={max(0, round(binding.expires_at - now))}")
        for binding in bindings.bindings
    ]


def _granted(contact: NameAddr, request: Request, limits: Limits) -> int:
    """RFC 3261 10.3 step 7: the parameter, else the header, else our default; too much is cut silently."""
    wish = parse_delta_seconds(contact.param("expires") or "")
    if wish is None:
        wish = request.expires
    if wish is None:
        wish = limits.default_expires_s
    if 0 < wish < limits.min_expires_s and wish < HOUR_S:
        raise _Abort(Refused(423, "Interval Too Brief", (("Min-Expires", str(limits.min_expires_s)),)))
    granted = min(wish, limits.max_expires_s)
    if not limits.spread:
        return granted
    part = zlib.crc32(f"{request.call_id} {request.cseq}".encode()) / 2**32 * limits.spread
    return max(min(granted, limits.min_expires_s), int(granted * (1 - part)))


def _binding(
    contact: NameAddr, request: Request, flow: Flow, proxy: str, now: float, limits: Limits, mark: str | None
) -> Binding:
    uri = contact.uri
    kept = format_params(tuple((name, value) for name, value in contact.params if name.lower() != "expires"))
    if len(kept) > MAX_PARAMS or not is_unicode(f"{uri}{kept}"):
        raise _Abort(Refused(400, "Unusable Contact"))
    key, uri_params = comparison_key(uri)
    # RFC 5626 6: a flow is one of an instance
    instance = contact.param("+sip.instance")
    return Binding(
        contact=str(uri),
        uri=key,
        uri_params=uri_params,
        place=f"{flow.remote.host} {uri.user}@{uri.host.lower()}",
        params=kept,
        source=str(flow.remote),
        local=str(flow.local),
        transport=flow.transport,
        proxy=proxy,
        call_id=request.call_id,
        cseq=request.cseq.number,
        q=_q(contact.param("q")),
        instance=instance,
        reg_id=None if instance is None else contact.param("reg-id"),
        path=path_of(request),
        user_agent=clean_or_none(request.headers.get("User-Agent")),
        mark=mark,
        registered_at=now,
        expires_at=now + _granted(contact, request, limits),
    )


def _q(text: str | None) -> float:
    try:
        return min(1.0, max(0.0, float(text))) if text else 1.0
    except ValueError:
        return 1.0


def _events(aor: str, now: float, what: str, binding: Binding, old: Binding | None = None) -> Iterator[Event]:
    facts = _facts(aor, now, binding)
    if what == "expired":
        yield RegistrationExpired(**facts)
    elif what == "unregistered":
        yield DeviceUnregistered(**facts)
    elif old is None:
        yield DeviceRegistered(**facts, expires_at=binding.expires_at)
    elif old.contact != binding.contact:
        # the same device at another URI: who reads the events knows devices by their contacts
        yield DeviceUnregistered(**_facts(aor, now, old))
        yield DeviceRegistered(**facts, expires_at=binding.expires_at)
    elif old.source != binding.source:
        yield RegistrationMoved(**facts, expires_at=binding.expires_at, previous_source=old.source)
    else:
        yield RegistrationRefreshed(**facts, expires_at=binding.expires_at)
    if old is not None and old.user_agent != binding.user_agent:
        yield UserAgentChanged(**facts, previous_user_agent=old.user_agent)


def _facts(aor: str, now: float, binding: Binding) -> dict[str, Any]:
    return {
        "at": now,
        "aor": aor,
        "contact": binding.contact,
        "source": binding.source,
        "transport": binding.transport,
        "user_agent": binding.user_agent,
    }
