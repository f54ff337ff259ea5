"""Which domains are carriers, and who may reach them through us: the rules of the outbound proxy, as configured."""

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address

from shared.settings import Network
from sip_proxy.sip.errors import SipParseError
from sip_proxy.sip.uri import SipUri, parse_uri

# Loopback, private use (RFC 1918, RFC 4193), link-local, and the provider's side of a NAT (RFC 6598).
PRIVATE_NETWORKS = (
    "127.0.0.0/8,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,100.64.0.0/10,169.254.0.0/16,::1/128,fc00::/7,fe80::/10"
)


@dataclass(frozen=True, slots=True)
class Carrier:
    """A domain that others serve."""

    domain: str  # lower case
    next_hop: SipUri | None = None  # where requests for it go; None: wherever the DNS says

    @property
    def server_name(self) -> str:
        """What its servers' certificates have to be for."""
        return self.domain if self.next_hop is None else self.next_hop.address


class Carriers:
    """All of them. Without any, every domain means us."""

    def __init__(
        self,
        carriers: Iterable[Carrier] = (),
        clients: Iterable[Network] = (),
        networks: Iterable[Network] = (),
    ) -> None:
        """`clients`: who may call carriers; `networks`: where carriers may call from, besides their own servers."""
        self._by_domain = {carrier.domain: carrier for carrier in carriers}
        self._clients = tuple(clients)
        self._networks = tuple(networks)

    def __bool__(self) -> bool:
        return bool(self._by_domain)

    def of(self, uri: SipUri) -> Carrier | None:
        return self._by_domain.get(uri.host.lower())

    def of_aor(self, aor: str) -> Carrier | None:
        return self._by_domain.get(aor.rpartition("@")[2])

    def with_server(self, name: str) -> Carrier | None:
        """The carrier that goes by this server name."""
        return next((carrier for carrier in self._by_domain.values() if carrier.server_name == name), None)

    def may_call(self, host: str) -> bool:
        """Whether a device at this address may use carriers."""
        return _is_in(host, self._clients)

    def may_call_in(self, host: str) -> bool:
        """Whether a carrier may call from this address although it is none of its servers."""
        return _is_in(host, self._networks)


def parse_carriers(text: str) -> tuple[Carrier, ...]:
    """`domain` or `domain=next-hop`, separated by commas.

    Raises:
        ValueError: something is no domain or no SIP URI; says which.
    """
    return tuple(_carrier(piece.strip()) for piece in text.split(",") if piece.strip())


def _carrier(text: str) -> Carrier:
    domain, _, next_hop = text.partition("=")
    try:
        named = parse_uri(f"sip:{domain}")
        hop = parse_uri(next_hop) if next_hop else None
    except SipParseError as error:
        raise ValueError(f"{text!r}: {error.reason}") from error
    if named.user is not None or named.port is not None or named.params or named.headers:
        raise ValueError(f"{text!r} does not begin with a domain")
    return Carrier(named.host.lower(), hop)


def _is_in(host: str, networks: Iterable[Network]) -> bool:
    address = ip_address(host)
    mapped = getattr(address, "ipv4_mapped", None)  # how a socket for both families shows IPv4
    return any((mapped or address) in network for network in networks)
