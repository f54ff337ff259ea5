"""The settings of the api, read from `VQM_*` variables."""

import ipaddress
from pathlib import Path

from pydantic import Field, SecretStr, field_validator

from shared.settings import CommonSettings

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def parse_networks(text: str) -> tuple[Network, ...]:
    """The networks of a list separated by commas. Raises ValueError when one is none."""
    return tuple(ipaddress.ip_network(part.strip()) for part in text.split(",") if part.strip())


class ApiSettings(CommonSettings):
    """What the api reads besides the common settings."""

    http_port: int = Field(default=8080, ge=0, le=65535, description="where the pages, REST and /ws are served")
    sip_port: int = Field(default=5060, ge=0, le=65535, description="of the sip-proxy, for the configuration help")
    sips_port: int = Field(default=5061, ge=0, le=65535, description="of the sip-proxy, for the configuration help")
    database_url: str | None = Field(
        default=None,
        description="sqlite:///path or postgresql://user:password@host/name; default: SQLite in the data directory",
    )
    admin_password: SecretStr | None = Field(
        default=None, description="password of the user `admin`; default: one is made at the first start and printed"
    )
    web_dir: Path = Field(default=Path("services/web/dist"), description="the built single-page application")
    instance: str = Field(
        default="api-1", pattern=r"^[A-Za-z0-9._-]{1,64}$", description="names this process among several"
    )
    trusted_proxies: str = Field(
        default="127.0.0.1", description="addresses, separated by commas, whose X-Forwarded headers are believed"
    )

    metrics_networks: str = Field(
        default="127.0.0.0/8,::1/128",
        description="addresses or networks, separated by commas, that may read /metrics without signing in",
    )

    @field_validator("metrics_networks")
    @classmethod
    def _are_networks(cls, networks: str) -> str:
        parse_networks(networks)
        return networks

    @field_validator("database_url")
    @classmethod
    def _is_known(cls, url: str | None) -> str | None:
        if url is not None and not url.startswith(("sqlite:///", "postgresql://")):
            raise ValueError(
                "it is sqlite:///relative/path, sqlite:////absolute/path or postgresql://user:password@host/name"
            )
        return url

    def store_url(self) -> str:
        """Where everything is stored."""
        return self.database_url or f"sqlite:///{self.data_dir.absolute() / 'vqm.sqlite3'}"
