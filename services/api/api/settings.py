"""The settings of the api, read from `VQM_*` variables."""

from pathlib import Path

from pydantic import Field, SecretStr, field_validator

from api.retention import KINDS
from shared.settings import SipAccountSettings, parse_networks

EVER = "in days, 0: for ever"


class ApiSettings(SipAccountSettings):
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

    keep_calls_days: float = Field(default=365, ge=0, description=f"calls and their figures are kept so long; {EVER}")
    keep_course_days: float = Field(
        default=14, ge=0, description=f"rows of five seconds; after it they become rows of a minute; {EVER}"
    )
    keep_minutes_days: float = Field(default=90, ge=0, description=f"rows of a minute; {EVER}")
    keep_messages_days: float = Field(default=30, ge=0, description=f"SIP messages; {EVER}")
    keep_security_days: float = Field(default=90, ge=0, description=f"security events; {EVER}")
    keep_audit_days: float = Field(default=365, ge=0, description=f"who did what over REST; {EVER}")
    keep_probes_days: float = Field(default=30, ge=0, description=f"single probes of gateways; {EVER}")
    keep_devices_days: float = Field(default=365, ge=0, description=f"devices that are not heard of any more; {EVER}")
    keep_captures_days: float = Field(default=90, ge=0, description=f"reports of uploaded captures; {EVER}")
    keep_capture_files: bool = Field(
        default=False, description="uploaded captures stay, as long as their reports: what people said is in them"
    )
    capture_max_mb: int = Field(default=512, ge=1, description="the largest capture that may be uploaded")
    disk_reserve_mb: int = Field(
        default=1024,
        ge=0,
        description="with less room on the disk only calls are stored: no SIP messages, no courses, no captures",
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

    def keep_days(self) -> dict[str, float]:
        """By kind, for how many days it is kept."""
        return {name: getattr(self, f"keep_{name}_days") for name in KINDS}

    def store_url(self) -> str:
        """Where everything is stored."""
        return self.database_url or f"sqlite:///{self.data_dir.absolute() / 'vqm.sqlite3'}"
