"""Several proxies over one Redis: who they are, and messages for devices that are connected to another one.

Any of them serves any request. What cannot move is a connection, and a NAT's hole: so a message for a device is
handed to the proxy that has its flow, and a response is handed back to the one that waits for it, as its top Via says.
"""

import asyncio
import base64
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import structlog

from shared.broker import BrokerLost, Bus, Proxies
from shared.events import Event, FlowLost, MessageHandedOver, ResponseHandedBack, Stream, Value, flow_stream
from sip_proxy.documents import read
from sip_proxy.effects import Address, Flow, Transport
from sip_proxy.sip.errors import SipParseError
from sip_proxy.sip.framing import Framed
from sip_proxy.sip.message import Response
from sip_proxy.sip.parser import parse_datagram
from sip_proxy.transports.stream import Receiver

log = structlog.get_logger(__name__)

ANNOUNCE_S = 1.0


class Node(Value):
    """What a proxy says of itself."""

    instance: str
    addresses: dict[Transport, str]


class Here(Receiver, Protocol):
    """This proxy, as the others use it."""

    def put(self, octets: bytes, flow: Flow) -> bool:
        """Sends on a flow of ours; False when it is gone."""


class Cluster:
    """The other proxies."""

    def __init__(
        self,
        proxies: Proxies,
        bus: Bus,
        publish: Callable[[Stream, Event], None],
        instance: str,
        addresses: Mapping[Transport, Address],
        now: Callable[[], float],
    ) -> None:
        self._proxies, self._bus, self._publish, self._now = proxies, bus, publish, now
        self._addresses = addresses
        self._node = Node(instance=instance, addresses={name: str(at) for name, at in addresses.items()})
        self._owners: dict[tuple[Transport, Address], str] = {}  # of the sockets of those that live
        self.relatives: set[Address] = set()  # every address that one of us has or had

    def __len__(self) -> int:
        """How many others live."""
        return len(set(self._owners.values()))

    def way(self, flow: Flow) -> Flow | None:
        """How to get there from here: on a flow of ours or of one that lives; a datagram may also leave from another
        socket than the one that the device knows, when nobody has that any more. None: there is no way."""
        if self._addresses.get(flow.transport) == flow.local or (flow.transport, flow.local) in self._owners:
            return flow
        local = self._addresses.get("udp")
        return Flow("udp", local, flow.remote) if flow.transport == "udp" and local is not None else None

    def is_ours(self, flow: Flow) -> bool:
        """Whether this proxy has the socket."""
        return self._addresses.get(flow.transport) == flow.local

    def hand_over(self, octets: bytes, flow: Flow) -> bool:
        """Gives a message to the proxy that has the flow; False when nobody has it."""
        owner = self._owners.get((flow.transport, flow.local))
        if owner is None:
            return False
        self._publish(flow_stream(owner), MessageHandedOver(**self._facts(flow), octets=_encoded(octets)))
        return True

    def hand_back(self, response: Response, octets: bytes, flow: Flow) -> bool:
        """Gives a response to the proxy whose address its top Via has; False when it is nobody's."""
        via = response.top_via()
        at = Address(via.host.strip("[]").lower(), via.port or 0)
        owner = next((name for (_, address), name in self._owners.items() if address == at), None)
        if owner is None:
            return False
        self._publish(flow_stream(owner), ResponseHandedBack(**self._facts(flow), octets=_encoded(octets)))
        return True

    async def announce(self) -> None:
        """Says that we live, and looks who else does, until cancelled."""
        stream = flow_stream(self._node.instance)
        while True:
            try:
                await self._meet()
                await self._bus.trim(stream, self._now())
            except BrokerLost as error:
                log.warning("other proxies not seen", error=str(error))
            await asyncio.sleep(ANNOUNCE_S)

    async def listen(self, here: Here) -> None:
        """Does what others ask for, until cancelled."""
        async for batch in self._bus.tail([flow_stream(self._node.instance)]):
            for delivery in batch:
                if delivery.event is not None:
                    self._serve(delivery.event, here)

    def _serve(self, event: Event, here: Here) -> None:
        match event:
            case MessageHandedOver():
                flow = _flow(event)
                if not (self.is_ours(flow) and here.put(base64.b64decode(event.octets), flow)):
                    self._publish(flow_stream(event.by), FlowLost(**self._facts(flow)))
            case ResponseHandedBack():
                octets = base64.b64decode(event.octets)
                try:
                    here.framed(Framed(parse_datagram(octets), octets), _flow(event))
                except SipParseError as error:
                    log.warning("response of another proxy not understood", by=event.by, error=error.reason)
            case FlowLost():
                here.lost(_flow(event))

    async def _meet(self) -> None:
        node = self._node
        await self._proxies.announce(node.instance, node.model_dump_json(), node.addresses.values())
        others = [other for text in await self._proxies.live() if (other := read(Node, text)) is not None]
        self._owners = {
            (transport, Address.parse(address)): other.instance
            for other in others
            if other.instance != node.instance
            for transport, address in other.addresses.items()
        }
        # Whoever comes after a proxy that died still knows its address in the Route of a BYE.
        self.relatives |= {Address.parse(address) for address in await self._proxies.addresses()}

    def _facts(self, flow: Flow) -> dict[str, Any]:
        return {
            "at": self._now(),
            "by": self._node.instance,
            "transport": flow.transport,
            "local": str(flow.local),
            "remote": str(flow.remote),
        }


def _flow(event: MessageHandedOver | ResponseHandedBack | FlowLost) -> Flow:
    return Flow(event.transport, Address.parse(event.local), Address.parse(event.remote))


def _encoded(octets: bytes) -> str:
    return base64.b64encode(octets).decode()
