"""One TCP or TLS connection: octets to frames, pings answered, and a peer that is slow, silent or deaf let go."""

import asyncio
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from sip_proxy.effects import Flow
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
    """What is written before it is up waits until then."""

    def __init__(
        self,
        flow: Flow,
        limits: Limits,
        framed: Callable[[Frames, Flow], None],
        lost: Callable[["Connection"], None],
        *,
        incoming: bool,
    ) -> None:
        self.flow = flow
        self._limits = limits
        self._framed, self._tell_lost = framed, lost
        self._incoming = incoming
        self._framer = Framer()
        self._transport: asyncio.Transport | None = None
        self._is_up = False
        self._waiting: list[bytes] = []
        self._deadline: asyncio.TimerHandle | None = None
        self._partial = False  # a message had begun when the last octets came: its time runs

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection is up; over TLS the handshake is done."""
        self._transport = cast(asyncio.Transport, transport)
        self._is_up = True
        _keep_alive(transport.get_extra_info("socket"))
        self._expect_within(self._limits.message_s if self._incoming else self._limits.idle_s)
        waiting, self._waiting = self._waiting, []
        for octets in waiting:
            self.write(octets)

    def write(self, octets: bytes) -> bool:
        """False when the peer is gone, or so deaf that it is let go now."""
        if not self._is_up:
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
        for frame in self._framer.feed(data):
            self._expect_within(self._limits.idle_s)
            if isinstance(frame, (Framed, Malformed)):
                self._framed(frame, self.flow)
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


def _keep_alive(sock: socket.socket | None) -> None:
    if sock is None:
        return
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for option, value in _KEEPALIVE:
        sock.setsockopt(socket.IPPROTO_TCP, option, value)
