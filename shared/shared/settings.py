"""Settings that all services share, and how a wrong one stops the start."""

import ipaddress
import socket
import sys
from pathlib import Path
from typing import Literal, NoReturn, TypeVar

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "VQM_"

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class CommonSettings(BaseSettings):
    """What every service reads from the environment, as `VQM_<NAME>`."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, frozen=True, extra="ignore")

    redis_url: str = Field(
        default="redis://127.0.0.1:6379/0",
        pattern=r"^(redis|rediss|unix)://",
        description="Redis or Valkey, 6.2 or newer: redis://, rediss:// or unix://",
    )
    data_dir: Path = Field(default=Path("data"), description="where everything that must survive is kept")
    bind: str = Field(default="0.0.0.0", description="address to listen on")
    public_address: str | None = Field(
        default=None, description="address that phones use to reach us; default: the one of the default route"
    )
    log_format: Literal["console", "json"] = "console"
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @field_validator("bind", "public_address")
    @classmethod
    def _is_address(cls, value: str | None) -> str | None:
        if value is not None:
            ipaddress.ip_address(value)
        return value

    def advertised_address(self) -> str:
        """The address to put into SDP, Contact and Record-Route."""
        if self.public_address is not None:
            return self.public_address
        if not ipaddress.ip_address(self.bind).is_unspecified:
            return self.bind
        return default_route_address()


def parse_networks(text: str) -> tuple[Network, ...]:
    """Addresses or networks (CIDRs), separated by commas.

    Raises:
        ValueError: something is none.
    """
    return tuple(ipaddress.ip_network(piece.strip()) for piece in text.split(",") if piece.strip())


def default_route_address() -> str:
    """The address that this machine would use to talk to the world; loopback when it has no route."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # RFC 5737 documentation network: connecting UDP sends nothing
        except OSError:
            return "127.0.0.1"
        address: str = probe.getsockname()[0]
        return address


class SipAccountSettings(CommonSettings):
    """Where the SIP accounts come from: who checks passwords and who manages them has to know the same."""

    realm: str = Field(default="vqm", pattern=r'^[^"\\\r\n]{1,128}$', description="digest realm")
    profile: Literal["default", "production"] = "default"
    allow_seeded_accounts: bool = Field(default=False, description="use the published passwords in production too")
    sip_accounts_file: Path | None = Field(
        default=None, description="JSON list of name, password, users; in place of all that is managed over REST"
    )

    @property
    def refuses_published_passwords(self) -> bool:
        """Whether an account whose password everybody can read is as good as none."""
        return self.profile == "production" and not self.allow_seeded_accounts


SettingsClass = TypeVar("SettingsClass", bound=CommonSettings)


def load(cls: type[SettingsClass]) -> SettingsClass:
    """Reads the settings; a wrong one ends the process with a sentence that names the variable, exit code 2."""
    try:
        return cls()
    except ValidationError as error:
        _stop(error)


def _stop(error: ValidationError) -> NoReturn:
    for problem in error.errors(include_url=False):
        name = PREFIX + "_".join(str(part) for part in problem["loc"]).upper()
        print(f"{name}={problem['input']!r} cannot be used: {problem['msg']}", file=sys.stderr)  # noqa: T201  # logs are not set up yet
    raise SystemExit(2)
