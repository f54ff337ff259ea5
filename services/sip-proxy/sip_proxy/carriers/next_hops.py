"""Where a carrier is: its servers, in the order in which a request is to try them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from sip_proxy.carriers.carriers import Carrier
from sip_proxy.carriers.outages import Outages
from sip_proxy.carriers.resolver import Answers, Unresolved, found
from sip_proxy.effects import Address, Flow, Transport
from sip_proxy.routing.forwarding import Target
from sip_proxy.sip.locate import AddressType, Server, locate
from sip_proxy.sip.message import Request
from sip_proxy.sip.uri import SipUri, is_secure

MAX_TRIED = 4  # a device stops waiting after 32 s
MAX_DATAGRAM = 1300  # octets (RFC 3261 18.1.1)
_OURS = 250  # octets that our Via and Record-Route add, about


@dataclass(frozen=True, slots=True)
class Ways:
    """How we can reach others."""

    locals: Mapping[Transport, Address]  # our sockets
    addresses: AddressType  # what they can send to
    tcp_when_large: bool = True  # RFC 3261 18.1.1; some networks are better served with fragments


class NextHops:
    """Looks carriers up."""

    def __init__(self, answers: Answers, ways: Ways, outages: Outages, draw: Callable[[int], int]) -> None:
        self._answers = answers
        self._ways = ways
        self._outages = outages
        self._draw = draw

    async def target(self, carrier: Carrier, request: Request) -> Target | None:
        """The first server for a request, the others as its spares; None: there is no way to it."""
        uri = carrier.next_hop or request.parsed_uri
        try:
            servers = await self._servers(uri)
        except Unresolved:
            return None
        if is_secure(request.uri):
            servers = [server for server in servers if server.transport == "tls"]  # RFC 3261 26.2.2
        if self._ways.tcp_when_large and len(request.encode()) + _OURS > MAX_DATAGRAM:
            servers = tcp_first(servers, self._ways.locals, pinned=uri.has_param("transport"))
        chosen = self._outages.last(servers)[:MAX_TRIED]
        targets = [Target(request.uri, self._flow(server), server=server.name) for server in chosen]
        return replace(targets[0], spares=tuple(targets[1:])) if targets else None

    async def is_server(self, carrier: Carrier, host: str) -> bool:
        """Whether an address is one of the carrier's.

        Raises:
            Unresolved: nobody knows now.
        """
        servers = await self._servers(carrier.next_hop or SipUri("sip", None, None, carrier.domain, None))
        return any(server.address.host == host for server in servers)

    async def _servers(self, uri: SipUri) -> list[Server]:
        search = locate(uri, self._ways.locals.keys(), self._ways.addresses, self._draw)
        return list(await found(search, self._answers))

    def _flow(self, server: Server) -> Flow:
        return Flow(server.transport, self._ways.locals[server.transport], server.address)


def tcp_first(servers: Iterable[Server], speaks: Iterable[Transport], *, pinned: bool) -> list[Server]:
    """The servers for a request that is too large for a datagram: those with a connection first. Where the DNS names
    none, the same address may have TCP too; UDP stays the last resort (RFC 3261 18.1.1). `pinned`: the transport was
    asked for."""
    listed = list(servers)
    connected = [server for server in listed if server.transport != "udp"]
    if not connected and not pinned and "tcp" in speaks:
        connected = [replace(server, transport="tcp") for server in listed]
    return [*connected, *(server for server in listed if server.transport == "udp")]
