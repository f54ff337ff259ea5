"""The pair of UDP sockets of one of our ports: RTP, and RTCP one above."""

import socket
from dataclasses import dataclass

from rtp_analyzer.taps.addresses import family_of
from rtp_analyzer.taps.libc import SO_RXQ_OVFL, SO_TIMESTAMPNS

EXPEDITED_FORWARDING = 46 << 2  # RFC 3246, the DSCP of voice (RFC 4594 4.1), in the upper six bits of the TOS octet


class PortUnavailable(Exception):
    """A port of ours cannot be opened now; the message says which and why."""


@dataclass(frozen=True, slots=True)
class PortPair:
    """Bound, non-blocking sockets; the kernel stamps each datagram and counts what it has to drop."""

    rtp: socket.socket
    rtcp: socket.socket

    def close(self) -> None:
        self.rtp.close()
        self.rtcp.close()


def open_pair(bind: str, port: int) -> PortPair:
    """Binds `port` and `port + 1`.

    Raises:
        PortUnavailable: another process has one of them, or there are too many open files.
    """
    try:
        rtp = _open(bind, port)
    except OSError as error:
        raise PortUnavailable(f"{bind} port {port}: {error.strerror}") from error
    try:
        return PortPair(rtp, _open(bind, port + 1))
    except OSError as error:
        rtp.close()
        raise PortUnavailable(f"{bind} port {port + 1}: {error.strerror}") from error


def _open(bind: str, port: int) -> socket.socket:
    family = family_of(bind)
    opened = socket.socket(family, socket.SOCK_DGRAM)
    try:
        opened.setblocking(False)
        opened.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        opened.setsockopt(socket.SOL_SOCKET, SO_RXQ_OVFL, 1)
        if family == socket.AF_INET6:
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, EXPEDITED_FORWARDING)
        else:
            opened.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, EXPEDITED_FORWARDING)
        opened.bind((bind, port))
    except OSError:
        opened.close()
        raise
    return opened
