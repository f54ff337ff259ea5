"""Who we are on the wire: our address, our domain, and what we write about ourselves into messages."""

from dataclasses import dataclass, field

from sip_proxy.effects import Address, Transport
from sip_proxy.sip.uri import SipUri

DEFAULT_PORT = 5060  # RFC 3261 19.1.2


@dataclass(frozen=True, slots=True)
class Site:
    """Our own names. We are the only tenant: every domain in To, From or Request-URI means this site, and an address
    of record is always `user@domain` with our one domain, so that all our names and addresses find the same device."""

    address: Address  # what we advertise
    domain: str
    names: frozenset[str] = field(default_factory=frozenset)  # further hosts that mean us, lower case

    def aor(self, user: str) -> str:
        return f"{user}@{self.domain}"

    def aor_of(self, uri: SipUri) -> str:
        """The address of record that a URI means here, whatever domain it names; of nobody for one without a user."""
        user = uri.aor().rpartition("@")[0]
        return self.aor(user or "anonymous")

    def is_us(self, uri: SipUri) -> bool:
        """Whether a Route or Request-URI names this proxy itself."""
        return self.is_here(uri.host, uri.port)

    def is_here(self, host: str, port: int | None) -> bool:
        name = host.lower().strip("[]")
        ours = name in self.names or name in (self.address.host, self.domain)
        return ours and (port or DEFAULT_PORT) == self.address.port

    def via(self, transport: Transport, branch: str) -> str:
        return f"SIP/2.0/{transport.upper()} {self.address};branch={branch}"

    def record_route(self, transport: Transport) -> str:
        # `transport` always said: some phones send the next request by UDP otherwise, or not at all
        return f"<sip:{self.address};transport={transport};lr>"

    def contact(self, user: str, transport: Transport) -> str:
        return f"<sip:{user}@{self.address};transport={transport}>"
