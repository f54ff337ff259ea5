"""SIP over UDP: one socket, one datagram a message; answers leave from where questions came in.

Not asyncio's own datagram transport: that reads one datagram a turn of the loop, so that a gateway's request would
wait through as many turns as a flood has datagrams before it.
"""

import asyncio
import socket
from collections.abc import Callable

import structlog

from sip_proxy.effects import Address, Flow

log = structlog.get_logger(__name__)

# A burst of registrations after a power cut waits here while we work; the kernel may grant less.
RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024
MAX_DATAGRAM_BYTES = 65_535
READ_AT_ONCE = 128  # then timers and the other sockets have their turn


class UdpTransport:
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
        self._received: Callable[[bytes, Flow], None] | None = None

    async def start(self, received: Callable[[bytes, Flow], None]) -> None:
        """Hands every datagram to `received` from now on."""
        self._received = received
        asyncio.get_running_loop().add_reader(self._socket, self._read, received)

    def close(self) -> None:
        if self._received is not None:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._received = None
        self._socket.close()

    def send(self, octets: bytes, flow: Flow) -> bool:
        """False when the network refuses: no route, too large."""
        if self._received is None:
            return False
        try:
            self._socket.sendto(octets, flow.remote)
        except BlockingIOError:
            return True  # our own queue is full: lost on the way, as datagrams are, and repeated by whoever cares
        except OSError as error:
            log.warning("datagram not sent", to=str(flow.remote), error=str(error))
            return False
        return True

    def is_open(self, flow: Flow) -> bool:
        """Datagrams need no connection."""
        return True

    def connect(self, remote: Address, server_name: str) -> Flow:
        """The flow to a server: it is there already."""
        return Flow("udp", self.local, remote)

    def _read(self, received: Callable[[bytes, Flow], None]) -> None:
        for _ in range(READ_AT_ONCE):
            try:
                octets, address = self._socket.recvfrom(MAX_DATAGRAM_BYTES)
            except BlockingIOError:
                return
            except OSError as error:  # what the network says about a datagram that we sent before
                log.warning("datagram not received", error=str(error))
                return
            received(octets, Flow("udp", self.local, Address(address[0], address[1])))
