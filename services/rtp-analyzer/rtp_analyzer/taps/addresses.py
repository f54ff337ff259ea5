"""Socket addresses as four 64-bit words: a `sockaddr_in` or `sockaddr_in6` as the kernel writes it, then zeros.

Two addresses are equal when their words are, and on the same host when they are without the port, in both families:
the kernel leaves sin_zero and the flow label of received addresses zero.
"""

import ipaddress
import socket
import struct
from typing import Final

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint64]

WORDS: Final = 4
NOWHERE: Final = np.zeros(WORDS, np.uint64)
PORT_MASK: Final = 0xFFFFFFFF_0000FFFF  # of the first word, little-endian: all but the port
SOCKADDR_BYTES: Final = {socket.AF_INET: 16, socket.AF_INET6: 28}


def family_of(bind: str) -> socket.AddressFamily:
    """The family of the sockets that are bound to this address."""
    return socket.AF_INET if ipaddress.ip_address(bind).version == 4 else socket.AF_INET6


def words(address: str | None, port: int, family: socket.AddressFamily) -> Words:
    """An address as words; NOWHERE for what cannot be sent to: unknown, a name, unspecified, of the other family."""
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return NOWHERE
    # RFC 3264 8.4: the old way to hold a call is c=0.0.0.0.
    if parsed.is_unspecified or parsed.is_multicast or parsed.version != (4 if family == socket.AF_INET else 6):
        return NOWHERE
    start = struct.pack("=H", family) + struct.pack("!H", port)
    if family == socket.AF_INET6:
        start += bytes(4)
    return np.frombuffer((start + parsed.packed).ljust(8 * WORDS, b"\0"), np.uint64)


def host(address: Words) -> Words:
    """The same address without its port."""
    masked = address.copy()
    masked[0] &= np.uint64(PORT_MASK)
    return masked


def text(address: Words) -> str | None:
    """`address:port`, IPv6 in brackets; None for NOWHERE."""
    raw = address.tobytes()
    (family,) = struct.unpack_from("=H", raw)
    (port,) = struct.unpack_from("!H", raw, 2)
    if family == socket.AF_INET:
        return f"{ipaddress.IPv4Address(raw[4:8])}:{port}"
    if family == socket.AF_INET6:
        return f"[{ipaddress.IPv6Address(raw[8:24])}]:{port}"
    return None
