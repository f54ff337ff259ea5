"""Who sent something, as limits and bans count it: an IPv4 address, or the /64 of an IPv6 address."""

import ipaddress
import socket
from collections.abc import Sequence
from functools import lru_cache

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_MAPPED = bytes(10) + b"\xff\xff"  # RFC 4291 2.5.5.2: an IPv4 peer of a socket for both


def source_of(host: str) -> str:
    """A customer is given a whole /64 and may change his address within it as he likes (RFC 6177).

    Raises:
        OSError: no numeric address.
    """
    if ":" not in host:
        return host
    packed = socket.inet_pton(socket.AF_INET6, host.partition("%")[0])
    if packed.startswith(_MAPPED):
        return socket.inet_ntop(socket.AF_INET, packed[12:])
    return socket.inet_ntop(socket.AF_INET6, packed[:8] + bytes(8)) + "/64"


class Networks:
    """The networks that an operator trusts."""

    def __init__(self, networks: Sequence[Network]) -> None:
        self._networks = tuple(networks)
        self._cached = lru_cache(maxsize=4096)(self._search)

    def __contains__(self, source: str) -> bool:
        return bool(self._networks) and self._cached(source)

    def _search(self, source: str) -> bool:
        address = ipaddress.ip_address(source.partition("/")[0])
        return any(address in network for network in self._networks)
