"""One TCP or TLS connection: octets to frames, pings answered, and a peer that is slow, silent or deaf let go."""

import asyncio
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from sip_proxy.effects import Address, Flow
from sip_proxy.sip.framing import Framed, Framer, Malformed

Frames = Framed | Malformed

# What may wait for a peer that reads slowly: some dozens of messages.
MAX_UNSENT_BYTES = 256 * 1024
# A dead peer is noticed after idle + count * interval, 2.5 minutes: before a NAT or a phone would give the flow away.
_KEEPALIVE = ((socket.TCP_KEEPIDLE, 60), (socket.TCP_KEEPINTVL, 30), (socket.TCP_KEEPCNT, 3))


@dataclass(frozen=True, slots=True)
class Limits:
    """What peers may make us hold."""

    connections: int = 2000
    connections_per_host: int = 200  # a NAT may have a whole office behind it
    message_s: float = 10.0  # from its first octet to its last, and from connecting to the first message
    handshake_s: float = 10.0
    idle_s: float = 7500.0  # longer than the longest registration


class Connection(asyncio.Protocol):
    """`accepted`: told once the peer has connected to us; None for a connection that we make."""

    def __init__(
        self,
        limits: Limits,
        accepted: Callable[["Connection", Address], None] | None,
        framed: Callable[["Connection", Frames], None],
        lost: Callable[["Connection"], None],
    ) -> None:
        self.flow: Flow | None = None
        self._limits = limits
        self._accepted, self._framed, self._tell_lost = accepted, framed, lost
        self._framer = Framer()
        self._transport: asyncio.Transport | None = None
        self._is_open = False
        self._waiting: list[bytes] = []  # to be sent once it is open
        self._early: list[bytes] = []  # came before it was
        self._deadline: asyncio.TimerHandle | None = None
        self._partial = False  # a message had begun when the last octets came: its time runs

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._keep_alive(transport.get_extra_info("socket"))
        if self._accepted is None:
            self.open()
            return
        self._expect_within(self._limits.message_s)
        peer: tuple[Any, ...] | None = transport.get_extra_info("peername")
        if peer is None:  # it has gone again
            self.close()
        else:
            self._accepted(self, Address(peer[0], peer[1]))

    def open(self) -> None:
        """From now on messages pass."""
        self._is_open = True
        if self._accepted is None:
            self._expect_within(self._limits.idle_s)
        waiting, self._waiting = self._waiting, []
        for octets in waiting:
            self.write(octets)
        early, self._early = self._early, []
        for octets in early:
            self.data_received(octets)

    def pause(self) -> None:
        """Leaves what comes to the handshake."""
        if self._transport is not None:
            self._transport.pause_reading()

    async def secure(self, context: ssl.SSLContext) -> None:
        """Does the TLS handshake as a server, and opens.

        Raises:
            OSError: it failed, or took too long.
        """
        if self._transport is None:
            raise ConnectionResetError
        secured = await asyncio.get_running_loop().start_tls(
            self._transport, self, context, server_side=True, ssl_handshake_timeout=self._limits.handshake_s
        )
        if secured is None:
            raise ConnectionResetError
        self._transport = secured
        self.open()

    def write(self, octets: bytes) -> bool:
        """False when the peer is gone, or so deaf that it is let go now."""
        if not self._is_open:
            self._waiting.append(octets)
            return sum(map(len, self._waiting)) <= MAX_UNSENT_BYTES
        if self._transport is None or self._transport.is_closing():
            return False
        self._transport.write(octets)
        if self._transport.get_write_buffer_size() > MAX_UNSENT_BYTES:
            self._transport.abort()
            return False
        return True

    def close(self) -> None:
        """Sends what is still to be sent, then hangs up."""
        self._stop_waiting()
        if self._transport is not None:
            self._transport.close()

    def data_received(self, data: bytes) -> None:
        if not self._is_open:
            # asyncio hands over what came with the end of the handshake before it tells us of that end
            self._early.append(data)
            return
        for frame in self._framer.feed(data):
            self._expect_within(self._limits.idle_s)
            if isinstance(frame, (Framed, Malformed)):
                self._framed(self, frame)
            else:
                self.write(b"\r\n")  # RFC 5626 4.4.1
            if isinstance(frame, Malformed) and frame.fatal:
                self.close()
                return
        if self._framer.partial and not self._partial:
            self._expect_within(self._limits.message_s)
        self._partial = self._framer.partial

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        self._is_open = True  # nothing waits for it any more
        self._transport = None
        self._tell_lost(self)

    def _expect_within(self, delay_s: float) -> None:
        self._stop_waiting()
        self._partial = False
        self._deadline = asyncio.get_running_loop().call_later(delay_s, self._too_late)

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_late(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def _keep_alive(self, sock: socket.socket | None) -> None:
        if sock is None:
            return
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for option, value in _KEEPALIVE:
            sock.setsockopt(socket.IPPROTO_TCP, option, value)
