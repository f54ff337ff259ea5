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
PAUSE_S = 0.1  # after a failed accept: it would fail again at once


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
        self._accepting: asyncio.Task[None] | None = None
        self._connections: dict[Flow, Connection] = {}
        self._hosts: Counter[str] = Counter()
        self.counters: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._connections)

    async def start(self, receiver: Receiver, tasks: asyncio.TaskGroup) -> None:
        """Accepts from now on; handshakes run in `tasks`."""
        self._receiver, self._tasks = receiver, tasks
        self._socket.listen(BACKLOG)
        self._accepting = tasks.create_task(self._accept())
        self._accepting.add_done_callback(lambda _: self._socket.close())

    def close(self) -> None:
        if self._accepting is None:
            self._socket.close()
            return
        self._accepting.cancel()
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
            self._tasks.create_task(self._dial(self._enter(flow, incoming=False), server_name))
        return flow

    async def _dial(self, connection: Connection, server_name: str) -> None:
        context = None if self._contexts is None else self._contexts.client()
        remote = connection.flow.remote
        try:
            async with asyncio.timeout(self._limits.handshake_s):
                await asyncio.get_running_loop().create_connection(
                    lambda: connection,
                    remote.host,
                    remote.port,
                    ssl=context,
                    server_hostname=None if context is None else server_name,
                )
        except OSError as error:  # also TimeoutError and ssl.SSLError
            log.info("connection not made", flow=str(connection.flow), error=str(error) or type(error).__name__)
            self.counters["connections_failed"] += 1
            self._lost(connection)

    async def _accept(self) -> None:
        """Here and not in `create_server`, so that connections are counted before they cost a handshake."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                accepted, address = await loop.sock_accept(self._socket)
            except OSError as error:  # it has gone again, or there are no more descriptors for us
                log.warning("connection not accepted", transport=self._transport, error=str(error))
                await asyncio.sleep(PAUSE_S)
                continue
            remote = Address(address[0], address[1])
            if self._is_full(remote.host):
                self.counters["connections_refused"] += 1
                accepted.close()
                continue
            self.counters["connections_accepted"] += 1
            connection = self._enter(Flow(self._transport, self.local, remote), incoming=True)
            self._tasks.create_task(self._welcome(connection, accepted))

    async def _welcome(self, connection: Connection, accepted: socket.socket) -> None:
        context = None if self._contexts is None else self._contexts.server()
        try:
            async with asyncio.timeout(self._limits.handshake_s):
                await asyncio.get_running_loop().connect_accepted_socket(lambda: connection, accepted, ssl=context)
        except OSError:  # also TimeoutError and ssl.SSLError: a scan, or a phone that does not trust us
            self.counters["handshakes_failed"] += 1
            accepted.close()
            self._lost(connection)

    def _is_full(self, host: str) -> bool:
        """Whether peers have too many connections, this host or all of them: they would be held for nothing."""
        return (
            len(self._connections) >= self._limits.connections or self._hosts[host] >= self._limits.connections_per_host
        )

    def _enter(self, flow: Flow, *, incoming: bool) -> Connection:
        connection = Connection(flow, self._limits, self._receiver.framed, self._lost, incoming=incoming)
        self._connections[flow] = connection
        self._hosts[flow.remote.host] += 1
        return connection

    def _lost(self, connection: Connection) -> None:
        flow = connection.flow
        if self._connections.get(flow) is not connection:
            return  # a later connection of the same flow is another one
        del self._connections[flow]
        self._hosts[flow.remote.host] -= 1
        if not self._hosts[flow.remote.host]:
            del self._hosts[flow.remote.host]
        self._receiver.lost(flow)
