"""Where an address of record can be reached: the values that `vqm:registration:<aor>` holds."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import structlog

from sip_proxy.effects import Address, Flow, Transport

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Binding:
    """One contact. Values of the hot path: a document is written by ourselves, so its fields are taken as they are."""

    contact: str  # the URI as the device wrote it
    uri: str  # what of it must be equal in an equal URI (RFC 3261 19.1.4)
    place: str  # the host it registered from and the host in its Contact: what a rebooted device keeps
    source: str  # where the REGISTER really came from: calls go there (NAT)
    local: str  # our socket that it came in on
    transport: Transport
    proxy: str  # the replica that has this socket
    call_id: str
    cseq: int
    registered_at: float
    expires_at: float
    uri_params: Mapping[str, str] | None = None  # parameters that count only where both URIs have them
    params: str = ""  # its other Contact parameters, with `;`, for the answer
    q: float = 1.0
    instance: str | None = None  # RFC 5626 4.1
    reg_id: str | None = None
    path: tuple[str, ...] = ()  # RFC 3327: the proxies between us and the device
    user_agent: str | None = None
    mark: str | None = None  # of the account that it was made with; of none for a carrier's

    @property
    def flow(self) -> Flow:
        return Flow(self.transport, Address.parse(self.local), Address.parse(self.source))

    def to_json(self) -> dict[str, Any]:
        """Without what is empty: an empty list and an empty object are the same in Lua."""
        values = {name: getattr(self, name) for name in self.__slots__}
        return {name: value for name, value in values.items() if value not in (None, "", (), {})}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Binding":
        """The reverse of `to_json`; what a newer writer added is ignored.

        Raises:
            TypeError: something is missing.
        """
        known = {name: values[name] for name in cls.__slots__ if name in values}
        if "path" in known:
            known["path"] = tuple(known["path"])
        return cls(**known)


@dataclass(frozen=True, slots=True)
class Bindings:
    """All contacts of an address of record, those that were not refreshed for the longest time first."""

    aor: str
    bindings: tuple[Binding, ...] = ()

    def live(self, now: float) -> tuple[Binding, ...]:
        """Those not expired; the preferred first (q), then the freshest."""
        fresh = (binding for binding in reversed(self.bindings) if binding.expires_at > now)
        return tuple(sorted(fresh, key=lambda binding: -binding.q))

    @classmethod
    def from_document(cls, aor: str, text: str | None) -> "Bindings":
        """What the document says; one that cannot be read binds nothing."""
        if text is None:
            return cls(aor)
        try:
            return cls(aor, tuple(map(Binding.from_json, cast(dict[str, Any], json.loads(text))["bindings"])))
        except (ValueError, KeyError, TypeError) as error:
            log.warning("unreadable registration ignored", aor=aor, error=repr(error))
            return cls(aor)
