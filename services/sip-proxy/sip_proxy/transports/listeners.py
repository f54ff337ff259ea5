"""All sockets of one proxy: UDP and TCP on one port, TLS on its own, opened together and closed together."""

import asyncio
import errno
from collections.abc import Mapping
from typing import Protocol

import structlog

from sip_proxy.effects import Address, Flow, Transport
from sip_proxy.settings import SipProxySettings
from sip_proxy.transports.certificates import CHECK_S, Certificates, CertificateUnusable
from sip_proxy.transports.connection import Limits
from sip_proxy.transports.stream import Contexts, Receiver, StreamTransport
from sip_proxy.transports.udp import UdpTransport

log = structlog.get_logger(__name__)

_ATTEMPTS = 20  # to find a port that is free for UDP and for TCP, when any will do


class Datagrams(Receiver, Protocol):
    """Who takes what arrives, on whatever transport."""

    def received(self, octets: bytes, flow: Flow) -> None:
        """One datagram."""


class Listeners:
    """What we listen on. The sockets are bound at once, and served once `start` was called."""

    def __init__(self, settings: SipProxySettings) -> None:
        """
        Raises:
            OSError: a port is taken, or the address is not ours.
        """
        host = settings.advertised_address()
        self.udp: UdpTransport | None = None
        self.streams: dict[Transport, StreamTransport] = {}
        self._limits = Limits(
            settings.sip_max_connections, settings.sip_max_connections_per_host, settings.sip_message_timeout_s
        )
        self._certificates = _certificates(settings)
        try:
            self._open_plain(settings, host)
            if self._certificates is not None:
                contexts = Contexts(self._certificates.server, self._certificates.client)
                self.streams["tls"] = StreamTransport(
                    "tls", settings.bind, settings.sips_port, host, self._limits, contexts
                )
        except OSError:
            self.close()
            raise

    @property
    def address(self) -> Address:
        """Where phones reach us without TLS; the port of TLS when we speak nothing else."""
        first = self.udp or self.streams.get("tcp") or self.streams["tls"]
        return first.local

    @property
    def secure_address(self) -> Address | None:
        tls = self.streams.get("tls")
        return None if tls is None else tls.local

    def senders(self) -> Mapping[Transport, UdpTransport | StreamTransport]:
        """Every way out."""
        return {**({} if self.udp is None else {"udp": self.udp}), **self.streams}

    def addresses(self) -> Mapping[Transport, Address]:
        """Every socket of ours, as others reach it."""
        return {transport: sender.local for transport, sender in self.senders().items()}

    async def start(self, receiver: Datagrams, tasks: asyncio.TaskGroup) -> None:
        """Hands everything that arrives to `receiver` from now on."""
        if self.udp is not None:
            await self.udp.start(receiver.received)
        for stream in self.streams.values():
            await stream.start(receiver, tasks)
        for transport, sender in self.senders().items():
            log.info("listening", transport=transport, address=str(sender.local))

    def close(self) -> None:
        for sender in self.senders().values():
            sender.close()

    def counters(self) -> dict[str, float]:
        """Connections now, and what became of others since the start."""
        counts: dict[str, float] = {}
        for transport, stream in self.streams.items():
            counts[f"{transport}_connections"] = len(stream)
            counts |= {f"{transport}_{name}": value for name, value in stream.counters.items()}
        return counts

    async def refresh_certificates(self) -> None:
        """Takes up new certificates within seconds, until cancelled."""
        while self._certificates is not None:
            await asyncio.sleep(CHECK_S)
            self._certificates.refresh()

    def _open_plain(self, settings: SipProxySettings, host: str) -> None:
        """UDP and TCP share a port number: a phone that is told one is told both."""
        for attempt in range(_ATTEMPTS):
            port = settings.sip_port
            if "udp" in settings.sip_transports.split(","):
                self.udp = UdpTransport(settings.bind, port, host)
                port = self.udp.local.port
            if "tcp" not in settings.sip_transports.split(","):
                return
            try:
                self.streams["tcp"] = StreamTransport("tcp", settings.bind, port, host, self._limits)
                return
            except OSError as error:
                if settings.sip_port or error.errno != errno.EADDRINUSE or attempt == _ATTEMPTS - 1:
                    raise
                if self.udp is not None:
                    self.udp.close()


def _certificates(settings: SipProxySettings) -> Certificates | None:
    if "tls" not in settings.sip_transports.split(","):
        return None
    try:
        return Certificates(settings.tls_rules())
    except CertificateUnusable as error:
        log.warning("TLS is off: no usable certificate (make certs makes one)", why=str(error))
        return None
