"""The settings that running the whole system on one machine needs to know; each service reads its own besides."""

import os
from collections.abc import Mapping
from pathlib import Path

from dotenv import dotenv_values
from pydantic import Field, SecretStr, field_validator

from shared.settings import PREFIX, CommonSettings

REPOSITORY = Path(__file__).resolve().parents[3]


class LocalSettings(CommonSettings):
    """What the supervisor checks before it starts the services, and shows once they run."""

    sip_port: int = Field(default=5060, ge=1, le=65535, description="UDP and TCP port for SIP")
    sip_transports: str = Field(default="udp,tcp,tls", description="which of udp, tcp and tls are served")
    sips_port: int = Field(default=5061, ge=1, le=65535, description="TCP port for SIP over TLS")
    tls_dir: Path = Field(default=Path("certs"), description="server.crt and server.key of SIP over TLS")
    http_port: int = Field(default=8080, ge=1, le=65535, description="TCP port of the dashboard and the REST interface")
    media_ports: str = Field(default="20000-29999", description="UDP ports for RTP and RTCP, first-last")
    admin_password: SecretStr | None = Field(default=None, description="password of the user admin at the first start")
    sip_accounts_file: Path | None = Field(default=None, description="SIP accounts instead of the published ones")

    @field_validator("media_ports")
    @classmethod
    def _is_a_range(cls, value: str) -> str:
        port_range(value)
        return value

    @property
    def speaks_tls(self) -> bool:
        """Whether SIP over TLS is to be served."""
        return "tls" in self.sip_transports.split(",")

    @property
    def own_broker(self) -> bool:
        """Whether we start a broker, because none was named."""
        return "redis_url" not in self.model_fields_set


def port_range(text: str) -> range:
    """`first-last`, both included, as a range of port numbers.

    Raises:
        ValueError: it is none, or too small for one call.
    """
    first, dash, last = text.partition("-")
    if not (dash and first.isdecimal() and last.isdecimal()):
        raise ValueError("a range like 20000-29999 is expected")
    ports = range(int(first), int(last) + 1)
    # A call relays two parties, each on an even RTP port with its RTCP port above (RFC 3550 11).
    if ports.start < 1024 or ports.stop > 65536 or len(ports) < 4:
        raise ValueError("a range between 1024 and 65535 with room for at least four ports is expected")
    return ports


def read_dotenv(path: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """The VQM_ settings of a `.env` file that the environment does not already give."""
    return {
        name: value
        for name, value in dotenv_values(path).items()
        if value is not None and name.startswith(PREFIX) and name not in environment
    }


def adopt_dotenv() -> None:
    """Makes the checkout's `.env` part of our environment, as compose does; what is set already wins."""
    os.environ.update(read_dotenv(REPOSITORY / ".env", os.environ))
