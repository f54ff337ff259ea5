"""Fills the templates of a device in: lines to copy, each with how sure we are of it. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from jinja2 import StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from api.config_help.catalogue import Confidence, Device, Part, Transport, Words

UNVERIFIED_MARK: Final = "?"
PASSWORD: Final = "PASSWORD"  # noqa: S105  # what stands where it belongs: we keep only its hash
USUAL_PORTS: Final = {"udp": 5060, "tcp": 5060, "tls": 5061}  # RFC 3261 19.1.2

_TEMPLATES: Final = ImmutableSandboxedEnvironment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)


@dataclass(frozen=True, slots=True)
class Server:
    """Where devices reach the SIP server."""

    host: str
    sip_port: int
    sips_port: int

    @property
    def written_host(self) -> str:
        """The host as it stands in a URI (RFC 3261 25.1: IPv6 in brackets)."""
        return f"[{self.host}]" if ":" in self.host else self.host

    def port(self, transport: Transport) -> int:
        """The port that a transport is served on."""
        return self.sips_port if transport == "tls" else self.sip_port

    def reached_by(self, transport: Transport) -> str:
        """`host:port`."""
        return f"{self.written_host}:{self.port(transport)}"


@dataclass(frozen=True, slots=True)
class Wanted:
    """For whom the text is. `auth_user` is the name in the digest, which may differ from the user."""

    transport: Transport
    user: str
    auth_user: str


@dataclass(frozen=True, slots=True)
class Line:
    """One line to copy."""

    text: str
    confidence: Confidence


@dataclass(frozen=True, slots=True)
class Filled:
    """One file, page or command line, ready to copy."""

    where: Words
    lines: list[Line]


def fill_in(device: Device, server: Server, wanted: Wanted) -> list[Filled]:
    """What to enter into the device, part by part. The wanted transport must be one of the device's."""
    values = {
        "host": server.written_host,
        "port": server.port(wanted.transport),
        "usual_port": server.port(wanted.transport) == USUAL_PORTS[wanted.transport],
        "transport": wanted.transport,
        "user": wanted.user,
        "auth_user": wanted.auth_user,
        "password": PASSWORD,
    }
    return [
        Filled(part.where, list(_lines(device, part, values)))
        for part in device.parts
        if wanted.transport in part.transports
    ]


def _lines(device: Device, part: Part, values: dict[str, object]) -> Iterator[Line]:
    for text in _TEMPLATES.from_string(part.template).render(values).strip("\n").split("\n"):
        if text.startswith(UNVERIFIED_MARK):
            yield Line(text.removeprefix(UNVERIFIED_MARK), "unverified")
        else:
            yield Line(text, device.confidence)
