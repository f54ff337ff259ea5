"""What the probes say about a gateway, folded into one value. Pure; any order gives the same result."""

from dataclasses import dataclass, replace
from typing import Literal

from shared.events import GatewayDown, GatewayProbed, GatewayUp

GatewayEvent = GatewayProbed | GatewayUp | GatewayDown
GatewayKey = tuple[str, str]  # address of record, contact
GatewayState = Literal["up", "down"]


@dataclass(frozen=True, slots=True)
class Gateway:
    """A contact that is asked whether it lives; the columns of the table `gateways`. Times are epoch seconds."""

    aor: str
    contact: str
    source: str
    transport: str
    seen_at: float
    state: GatewayState | None = None  # None: too few probes to say
    state_since: float | None = None
    probed_at: float | None = None
    code: int | None = None  # of the newest probe, as is rtt_ms; None: no answer
    rtt_ms: float | None = None
    answered_at: float | None = None

    @property
    def key(self) -> GatewayKey:
        return self.aor, self.contact


def fold_gateway(gateway: Gateway | None, event: GatewayEvent) -> Gateway:
    """The gateway after one more event."""
    if gateway is None:
        gateway = Gateway(event.aor, event.contact, event.source, event.transport, event.at)
    elif event.at >= gateway.seen_at:
        gateway = replace(gateway, seen_at=event.at, source=event.source, transport=event.transport)
    if isinstance(event, GatewayProbed):
        return _probe(gateway, event)
    if isinstance(event, GatewayDown) and event.last_answer_at is not None:
        gateway = replace(gateway, answered_at=max(event.last_answer_at, gateway.answered_at or 0.0))
    if gateway.state_since is not None and event.at < gateway.state_since:
        return gateway
    state: GatewayState = "up" if isinstance(event, GatewayUp) else "down"
    return replace(gateway, state=state, state_since=event.at)


def _probe(gateway: Gateway, event: GatewayProbed) -> Gateway:
    if event.code is not None:
        gateway = replace(gateway, answered_at=max(event.at, gateway.answered_at or 0.0))
    if gateway.probed_at is not None and event.at < gateway.probed_at:
        return gateway
    return replace(gateway, probed_at=event.at, code=event.code, rtt_ms=event.rtt_ms)
