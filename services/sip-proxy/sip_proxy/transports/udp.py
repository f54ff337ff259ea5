"""SIP over UDP: one socket, one datagram a message; answers leave from where questions came in."""

import asyncio
import socket
from collections.abc import Callable
from typing import cast

import structlog

from sip_proxy.effects import Address, Flow

log = structlog.get_logger(__name__)

# A burst of registrations after a power cut waits here while we work; the kernel may grant less.
RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024


class UdpTransport(asyncio.DatagramProtocol):
    """The shell around one socket, bound at once and read from once `start` was called."""

    def __init__(self, host: str, port: int, advertised_host: str) -> None:
        """Port 0 takes any free one.

        Raises:
            OSError: the port is taken, or the address is not ours.
        """
        self._socket = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self._socket.setblocking(False)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
            self._socket.bind((host, port))
        except OSError:
            self._socket.close()
            raise
        # The address that others reach this socket at.
        self.local = Address(advertised_host, self._socket.getsockname()[1])
        self._received: Callable[[bytes, Flow], None] = _drop
        self._transport: asyncio.DatagramTransport | None = None
        self._refused = False  # the datagram that is being sent

    async def start(self, received: Callable[[bytes, Flow], None]) -> None:
        """Hands every datagram to `received` from now on."""
        self._received = received
        await asyncio.get_running_loop().create_datagram_endpoint(lambda: self, sock=self._socket)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()
            self._transport = None
        else:
            self._socket.close()

    def send(self, octets: bytes, flow: Flow) -> bool:
        """False when the network refuses: no route, too large."""
        if self._transport is None or self._transport.is_closing():
            return False
        self._refused = False
        self._transport.sendto(octets, flow.remote)
        return not self._refused

    def is_open(self, flow: Flow) -> bool:
        """Datagrams need no connection."""
        return True

    def connect(self, remote: Address, server_name: str) -> Flow:
        """The flow to a server: it is there already."""
        return Flow("udp", self.local, remote)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Not asked with isinstance: what Python 3.11 hands over does not inherit from DatagramTransport.
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._received(data, Flow("udp", self.local, Address(addr[0], addr[1])))

    def error_received(self, exc: Exception) -> None:
        """asyncio tells here, from inside `sendto`, that the network refused."""
        self._refused = True
        log.warning("datagram not sent", error=str(exc))


def _drop(octets: bytes, flow: Flow) -> None:
    """Nobody listens yet."""
