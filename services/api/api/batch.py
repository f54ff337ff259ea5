"""What a batch of stream entries says, sorted by where it is stored, and already summed up: of the slices of a stream
only the newest totals are kept, beside the rows that they are rolled up into. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import get_args

from api.devices import DeviceEvent
from api.fold import Gathered, StreamKey, facts_of
from api.gateways import GatewayEvent
from api.rollup import Row, row_of
from shared.broker import Delivery
from shared.events import Event, SipMessageSeen, Slice
from shared.events.security import SECURITY

EntryOrder = tuple[int, int]  # milliseconds, count


@dataclass(slots=True)
class Batch:
    """Deliveries that are stored together."""

    calls: dict[str, Gathered] = field(default_factory=dict)
    seconds: dict[tuple[str, StreamKey], list[Row]] = field(default_factory=dict)
    devices: list[DeviceEvent] = field(default_factory=list)
    gateways: list[GatewayEvent] = field(default_factory=list)
    security: list[tuple[Delivery, Event]] = field(default_factory=list)
    messages: list[tuple[Delivery, SipMessageSeen]] = field(default_factory=list)
    rejected: list[tuple[Delivery, str]] = field(default_factory=list)
    reached: dict[str, EntryOrder] = field(default_factory=dict)  # the last entry of each stream
    entries: int = 0
    slices: int = 0

    @classmethod
    def of(cls, deliveries: Iterable[Delivery]) -> "Batch":
        batch = cls()
        for each in deliveries:
            batch.take(each)
        return batch

    def take(self, delivery: Delivery) -> None:
        """Takes one entry in."""
        self.entries += 1
        order = entry_order(delivery.id)
        if order > self.reached.get(delivery.stream, (0, 0)):
            self.reached[delivery.stream] = order
        match delivery.event:
            case None:
                self.rejected.append((delivery, delivery.error or "malformed"))
            case SipMessageSeen() as message:
                self.messages.append((delivery, message))
            case event if isinstance(event, SECURITY):
                self.security.append((delivery, event))
            case event if isinstance(event, get_args(DeviceEvent)):
                self.devices.append(event)
            case event if isinstance(event, get_args(GatewayEvent)):
                self.gateways.append(event)
            case event:
                self._take_facts(event)

    def _take_facts(self, event: Event) -> None:
        for call_id, fact in facts_of(event):
            gathered = self.calls.get(call_id)
            if gathered is None:
                gathered = self.calls[call_id] = Gathered()
            gathered.add(fact)
            if isinstance(fact, Slice):
                key = call_id, (fact.media_id, fact.direction, fact.ssrc)
                self.seconds.setdefault(key, []).append(row_of(fact))
                self.slices += 1


def entry_order(entry_id: str) -> EntryOrder:
    """Entry ids of a Redis stream in their order: milliseconds, then a count."""
    milliseconds, _, count = entry_id.partition("-")
    return int(milliseconds), int(count or 0)
