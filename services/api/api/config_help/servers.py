"""By which name or address devices reach the SIP server, when nobody says."""

import ipaddress
from dataclasses import dataclass

from api.config_help.fill_in import Server


@dataclass(frozen=True, slots=True)
class SipServer:
    """What the settings tell. `own_address` is the one of the default route: inside a container nobody reaches it."""

    public_address: str | None
    own_address: str
    sip_port: int
    sips_port: int

    def seen_from(self, page_host: str | None) -> Server:
        """The server for a reader whose browser reaches this machine as `page_host`: so will his devices, mostly."""
        reachable = page_host if page_host and not _is_loopback(page_host) else None
        return self.named(self.public_address or reachable or self.own_address)

    def named(self, host: str) -> Server:
        """The server by a name or an address of somebody's choice."""
        return Server(host, self.sip_port, self.sips_port)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
