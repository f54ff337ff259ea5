"""SIP over TCP and TLS: one socket that accepts, and its connections, each found by the flow that it is.

A message goes out on the connection of its flow or not at all: what stands behind a NAT cannot be dialled
(RFC 5626 5.3). Only `connect` opens one, to a server whose address somebody looked up.
"""

import asyncio
import socket
import ssl
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

import structlog

from sip_proxy.effects import Address, Flow
from sip_proxy.transports.connection import Connection, Frames, Limits

log = structlog.get_logger(__name__)

BACKLOG = 512


class Receiver(Protocol):
    """Who takes what arrives."""

    def framed(self, frame: Frames, flow: Flow) -> None:
        """A message, or octets that are none: what can be answered is to be answered at once."""

    def lost(self, flow: Flow) -> None:
        """The connection is gone, or never came about."""


@dataclass(frozen=True, slots=True)
class Contexts:
    """TLS in both directions; asked for at each handshake, so that a new certificate needs no restart."""

    server: Callable[[], ssl.SSLContext]
    client: Callable[[], ssl.SSLContext]


class StreamTransport:
    """The shell around one listening socket, bound at once and served once `start` was called."""

    def __init__(
        self,
        transport: Literal["tcp", "tls"],
        host: str,
        port: int,
        advertised_host: str,
        limits: Limits,
        contexts: Contexts | None = None,
    ) -> None:
        """TLS needs `contexts`. Port 0 takes any free one.

        Raises:
            OSError: the port is taken, or the address is not ours.
        """
        self._transport, self._limits, self._contexts = transport, limits, contexts
        self._socket = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
        try:
            self._socket.setblocking(False)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._socket.bind((host, port))
        except OSError:
            self._socket.close()
            raise
        # The address that others reach this socket at.
        self.local = Address(advertised_host, self._socket.getsockname()[1])
        self._server: asyncio.Server | None = None
        self._connections: dict[Flow, Connection] = {}
        self._hosts: Counter[str] = Counter()
        self.counters: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._connections)

    async def start(self, receiver: Receiver, tasks: asyncio.TaskGroup) -> None:
        """Accepts from now on; handshakes run in `tasks`."""
        self._receiver, self._tasks = receiver, tasks
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._incoming, sock=self._socket, backlog=BACKLOG)

    def close(self) -> None:
        if self._server is None:
            self._socket.close()
            return
        self._server.close()
        for connection in list(self._connections.values()):
            connection.close()

    def send(self, octets: bytes, flow: Flow) -> bool:
        """False when the connection is not there any more, or its peer does not read."""
        connection = self._connections.get(flow)
        return connection is not None and connection.write(octets)

    def is_open(self, flow: Flow) -> bool:
        return flow in self._connections

    def connect(self, remote: Address, server_name: str) -> Flow:
        """The flow to a server, over the connection there is or a new one; what is sent waits until it is up.

        `server_name`: what its certificate has to be for (RFC 5922 7.3).
        """
        flow = Flow(self._transport, self.local, remote)
        if flow not in self._connections:
            connection = self._new_connection()
            self._enter(flow, connection)
            self._tasks.create_task(self._dial(flow, connection, server_name))
        return flow

    async def _dial(self, flow: Flow, connection: Connection, server_name: str) -> None:
        context = None if self._contexts is None else self._contexts.client()
        try:
            async with asyncio.timeout(self._limits.handshake_s):
                await asyncio.get_running_loop().create_connection(
                    lambda: connection,
                    flow.remote.host,
                    flow.remote.port,
                    ssl=context,
                    server_hostname=None if context is None else server_name,
                )
        except OSError as error:  # also TimeoutError and ssl.SSLError
            log.info("connection not made", flow=str(flow), error=str(error) or type(error).__name__)
            self.counters["connections_failed"] += 1
            self._forget(flow)

    def _incoming(self) -> Connection:
        return self._new_connection(self._admit)

    def _new_connection(self, accepted: Callable[[Connection, Address], None] | None = None) -> Connection:
        return Connection(self._limits, accepted, self._framed, self._lost)

    def _admit(self, connection: Connection, remote: Address) -> None:
        """A peer has connected: too many of them, of one host or in all, would be held for nothing."""
        if len(self._connections) >= self._limits.connections or (
            self._hosts[remote.host] >= self._limits.connections_per_host
        ):
            self.counters["connections_refused"] += 1
            connection.close()
            return
        self.counters["connections_accepted"] += 1
        self._enter(Flow(self._transport, self.local, remote), connection)
        if self._contexts is None:
            connection.open()
        else:
            connection.pause()
            self._tasks.create_task(self._shake_hands(connection, self._contexts.server()))

    async def _shake_hands(self, connection: Connection, context: ssl.SSLContext) -> None:
        """Here and not in `create_server`, so that connections are counted before they cost a handshake."""
        try:
            await connection.secure(context)
        except OSError:  # also ssl.SSLError: a scan, or a phone that does not trust us
            self.counters["handshakes_failed"] += 1
            connection.close()
            self._lost(connection)  # asyncio tells a connection of its end only after the handshake

    def _enter(self, flow: Flow, connection: Connection) -> None:
        self._connections[flow] = connection
        self._hosts[flow.remote.host] += 1
        connection.flow = flow

    def _framed(self, connection: Connection, frame: Frames) -> None:
        if connection.flow is not None:
            self._receiver.framed(frame, connection.flow)

    def _lost(self, connection: Connection) -> None:
        # A later connection of the same flow is another one.
        if connection.flow is not None and self._connections.get(connection.flow) is connection:
            self._forget(connection.flow)

    def _forget(self, flow: Flow) -> None:
        del self._connections[flow]
        self._hosts[flow.remote.host] -= 1
        if not self._hosts[flow.remote.host]:
            del self._hosts[flow.remote.host]
        self._receiver.lost(flow)
