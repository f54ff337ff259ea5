"""Who we are on the wire: our addresses, our domain, and what we write about ourselves into messages."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from sip_proxy.effects import Address, Flow, Transport
from sip_proxy.sip.uri import SipUri

DEFAULT_PORT = 5060  # RFC 3261 19.1.2
DEFAULT_SECURE_PORT = 5061


@dataclass(frozen=True, slots=True)
class Site:
    """Our own names. We are the only tenant: every domain in To, From or Request-URI means this site, and an address
    of record is always `user@domain` with our one domain, so that all our names and addresses find the same device."""

    address: Address  # what we advertise for UDP and TCP
    domain: str
    names: frozenset[str] = field(default_factory=frozenset)  # further hosts that mean us, lower case
    secure_address: Address | None = None  # for TLS; None: we do not speak it
    relatives: AbstractSet[Address] = frozenset()  # addresses of other proxies of this system, which may change

    def address_of(self, transport: Transport) -> Address:
        """Our address for a transport that we speak."""
        return self.secure_address or self.address if transport == "tls" else self.address

    def aor(self, user: str) -> str:
        return f"{user}@{self.domain}"

    def aor_of(self, uri: SipUri) -> str:
        """The address of record that a URI means here, whatever domain it names; of nobody for one without a user."""
        user = uri.aor().rpartition("@")[0]
        return self.aor(user or "anonymous")

    def is_us(self, uri: SipUri) -> bool:
        """Whether a Route or Request-URI names this proxy, or one that we can stand in for. Its transport does not
        matter: some phones send back another one than we wrote."""
        return self.is_here(uri.host, uri.port) or Address(uri.address, uri.port or DEFAULT_PORT) in self.relatives

    def is_here(self, host: str, port: int | None) -> bool:
        """Without a port, any of ours that is a default will do: who names us so means us."""
        name = host.lower().strip("[]")
        if name not in self.names and name not in (self.address.host, self.domain):
            return False
        secure = None if self.secure_address is None else self.secure_address.port
        ports = {self.address.port, secure}
        return port in ports if port else bool(ports & {DEFAULT_PORT, DEFAULT_SECURE_PORT})

    def via(self, transport: Transport, branch: str) -> str:
        return f"SIP/2.0/{transport.upper()} {self.address_of(transport)};branch={branch}"

    def record_routes(self, incoming: Flow | None, outgoing: Flow, *, secure: bool) -> tuple[str, ...]:
        """What a request gets that came in on one flow and leaves on another, the topmost first: one value for each
        of our sockets that it crosses, so that each side comes back to the one it knows (RFC 5658 3.3).

        `secure`: to a sips: URI, which wants the same of us (RFC 3261 16.6 step 4).
        """
        crossed = [outgoing] if incoming is None else [outgoing, incoming]
        return tuple(dict.fromkeys(_record_route(flow, secure) for flow in crossed))

    def contact(self, user: str, transport: Transport, *, secure: bool = False) -> str:
        """Where the other side of a call with ourselves reaches us (RFC 3261 12.1.1: sips: for sips:)."""
        address = self.address_of(transport)
        return f"<sips:{user}@{address}>" if secure else f"<sip:{user}@{address};transport={transport}>"


def _record_route(flow: Flow, secure: bool) -> str:
    # The socket may be another proxy's, to which the device is connected.
    if secure:
        return f"<sips:{flow.local};lr>"
    # `transport` always said: some phones send the next request by UDP otherwise, or not at all
    return f"<sip:{flow.local};transport={flow.transport};lr>"
