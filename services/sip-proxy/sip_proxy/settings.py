"""What can be set from outside: `VQM_<NAME>` in the environment."""

import socket
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from shared.digest import ALGORITHMS, Algorithm
from shared.events import Impairment, Language
from shared.settings import SipAccountSettings, parse_networks
from sip_proxy.carriers.carriers import PRIVATE_NETWORKS, Carriers, parse_carriers
from sip_proxy.carriers.resolver import parse_name_servers
from sip_proxy.effects import Address
from sip_proxy.guard import Rules
from sip_proxy.guard.flood import Allowance
from sip_proxy.guard.scanners import AGENTS
from sip_proxy.registration.registrar import Limits
from sip_proxy.sip.locate import AddressType
from sip_proxy.transports.certificates import TlsRules


class SipProxySettings(SipAccountSettings):
    sip_port: int = Field(default=5060, ge=0, le=65535, description="UDP and TCP port for SIP; 0: any free one")
    sips_port: int = Field(default=5061, ge=0, le=65535, description="TCP port for SIP over TLS; 0: any free one")
    sip_transports: str = Field(
        default="udp,tcp,tls",
        pattern=r"^(udp|tcp|tls)(,(udp|tcp|tls))*$",
        description="TLS needs a certificate, without one it is left out",
    )
    sip_max_connections: int = Field(default=2000, ge=1, le=100_000, description="TCP and TLS connections, of each")
    sip_max_connections_per_host: int = Field(default=200, ge=1, le=100_000)
    sip_message_timeout_s: float = Field(
        default=10.0, gt=0, le=600, description="a TCP or TLS message that takes longer costs its connection"
    )
    tls_dir: Path = Field(default=Path("certs"), description="server.crt and server.key; further pairs for SNI")
    tls_client_certificates: Literal["off", "optional", "required"] = "off"
    tls_ca_file: Path | None = Field(
        default=None, description="authority of clients' and of other servers' certificates"
    )
    tls_ciphers: str | None = Field(default=None, description="OpenSSL cipher list; old ATAs need DEFAULT@SECLEVEL=1")
    sip_domain: str | None = Field(
        default=None, pattern=r"^[A-Za-z0-9.\-]{1,253}$", description="domain of all addresses of record"
    )
    instance: str = Field(default="proxy-1", pattern=r"^[A-Za-z0-9_.\-]{1,64}$", description="name of this replica")
    media_timeout_s: float = Field(
        default=120.0, ge=1.0, le=86400.0, description="a call without RTP for so long is hung up, unless it is on hold"
    )
    impairment_loss_percent: float = Field(
        default=3.0, ge=0, le=100, description="packets that the extension 997 drops on their way back"
    )
    impairment_jitter_ms: float = Field(default=20.0, ge=0, le=20, description="RFC 3550 jitter that it adds to them")
    impairment_seed: int = Field(
        default=3550, ge=0, le=2**32 - 1, description="the same seed drops the same packets of every call"
    )
    language: Language = Field(default="en", description="of 996, for phones that do not say which they want")
    sip_round_trip_ms: int = Field(
        default=500,
        ge=100,
        le=4000,
        description="T1 of RFC 3261: a message is repeated after it, and given up after 64 of it",
    )
    registration_min_s: int = Field(default=60, ge=1, le=3600)
    registration_max_s: int = Field(default=7200, ge=60, le=86400)
    registration_spread: float = Field(
        default=0.0, ge=0, le=0.5, description="part of its time that a registration may be cut by, at random"
    )
    registration_max_contacts: int = Field(default=10, ge=1, le=100, description="of one address of record")
    registration_when_full: Literal["replace", "reject"] = Field(
        default="replace", description="what a contact too many does: replace the oldest, or be refused with 403"
    )
    registration_same_place: bool = Field(
        default=False,
        description="a device that names no instance replaces its contact with another port (after a reboot)",
    )
    probe_interval_s: float = Field(
        default=30.0, ge=0, le=3600, description="between two OPTIONS to a registered contact; 0: none"
    )
    probe_down_after: int = Field(default=3, ge=1, le=100, description="probes without an answer, in a row")
    probe_up_after: int = Field(default=2, ge=1, le=100, description="answers in a row")
    digest_algorithms: Literal["MD5", "SHA-256", "MD5,SHA-256", "SHA-256,MD5"] = Field(
        default="MD5", description="asked for in this order; old devices read only the first challenge"
    )
    trusted_networks: str = Field(
        default="", description="never limited or banned: addresses or networks, separated by commas"
    )
    stranger_rate: float = Field(
        default=40.0, ge=1.0, description="messages a second from an address where nobody has signed in yet"
    )
    stranger_burst: float = Field(default=300.0, ge=1.0, description="and at once")
    strangers_rate: float = Field(default=1000.0, ge=1.0, description="messages a second from all such addresses")
    scanner_agents: str = Field(
        default=",".join(AGENTS), description="parts of User-Agent values that are not answered, separated by commas"
    )
    ban_s: float = Field(default=600.0, ge=1.0, le=31_536_000.0, description="how long a ban lasts")
    ban_after_failures: int = Field(
        default=100, ge=1, description="failed sign-ins of a proven address within ten minutes that are too many"
    )

    carriers: str = Field(
        default="", description="`domain` or `domain=next-hop URI`, separated by commas: what is for them goes there"
    )
    carrier_clients: str = Field(default=PRIVATE_NETWORKS, description="CIDRs of the devices that may use carriers")
    carrier_networks: str = Field(
        default="", description="CIDRs that carriers call in from, besides the addresses of their names"
    )
    carrier_tcp_when_large: bool = Field(
        default=True, description="what is too large for a datagram goes to a carrier by TCP where that can be"
    )
    dns_servers: str = Field(
        default="", description="addresses, with or without a port, separated by commas; empty: those of the system"
    )

    @field_validator("carriers")
    @classmethod
    def _are_carriers(cls, value: str) -> str:
        parse_carriers(value)
        return value

    @field_validator("carrier_clients", "carrier_networks", "trusted_networks")
    @classmethod
    def _are_networks(cls, value: str) -> str:
        parse_networks(value)
        return value

    @field_validator("dns_servers")
    @classmethod
    def _are_addresses(cls, value: str) -> str:
        parse_name_servers(value)
        return value

    @model_validator(mode="after")
    def _carriers_are_others(self) -> Self:
        if self.sip_domain in {carrier.domain for carrier in parse_carriers(self.carriers)}:
            raise ValueError("VQM_CARRIERS names VQM_SIP_DOMAIN, our own domain")
        return self

    @model_validator(mode="after")
    def _client_certificates_need_an_authority(self) -> Self:
        if self.tls_client_certificates != "off" and self.tls_ca_file is None:
            raise ValueError("VQM_TLS_CLIENT_CERTIFICATES needs VQM_TLS_CA_FILE, the authority that signed them")
        return self

    def carrier_rules(self) -> Carriers:
        """Whom we are the outbound proxy to, and of whom."""
        clients, networks = parse_networks(self.carrier_clients), parse_networks(self.carrier_networks)
        return Carriers(parse_carriers(self.carriers), clients, networks)

    def name_servers(self) -> tuple[Address, ...]:
        return parse_name_servers(self.dns_servers)

    @property
    def address_records(self) -> AddressType:
        """What our sockets can reach."""
        return "AAAA" if ":" in self.bind else "A"

    def registration_limits(self) -> Limits:
        """How long and how many bindings we keep."""
        return Limits(
            min_expires_s=self.registration_min_s,
            max_expires_s=self.registration_max_s,
            max_contacts=self.registration_max_contacts,
            replace_oldest=self.registration_when_full == "replace",
            same_place=self.registration_same_place,
            spread=self.registration_spread,
        )

    def tls_rules(self) -> TlsRules:
        """How we speak TLS."""
        return TlsRules(self.tls_dir, self.tls_client_certificates, self.tls_ca_file, self.tls_ciphers)

    def impairment(self) -> Impairment:
        """What 997 does."""
        return Impairment(
            loss_percent=self.impairment_loss_percent,
            jitter_ms=self.impairment_jitter_ms,
            seed=self.impairment_seed,
        )

    def algorithms(self) -> list[Algorithm]:
        """What a challenge asks for, in order."""
        return sorted(
            (algorithm for algorithm in ALGORITHMS if algorithm in self.digest_algorithms.split(",")),
            key=self.digest_algorithms.index,
        )

    def names(self) -> frozenset[str]:
        """Further hosts that mean us, when we listen on all addresses."""
        return frozenset({"localhost", socket.gethostname().lower(), self.bind})

    def guard_rules(self) -> Rules:
        """How the guard treats whom."""
        return Rules(
            stranger=Allowance(self.stranger_rate, self.stranger_burst),
            # three seconds' worth at once: all devices come back in the same moment after our own restart
            strangers=Allowance(self.strangers_rate, 3 * self.strangers_rate),
            trusted=[*parse_networks(self.trusted_networks), *parse_networks(self.carrier_networks)],
            scanner_agents=_listed(self.scanner_agents),
            ban_s=self.ban_s,
            ban_after_failures=self.ban_after_failures,
            known_remote_s=self.registration_max_s + 60.0,
            instance=self.instance,
        )


def _listed(text: str) -> list[str]:
    return [each.strip() for each in text.split(",") if each.strip()]
