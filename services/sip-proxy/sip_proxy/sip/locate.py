"""Where a request for a URI is sent (RFC 3263 4): questions for the DNS out, its records in, servers in order out."""

import ipaddress
from collections.abc import Callable, Collection, Generator, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Literal, NamedTuple, TypeVar

from sip_proxy.effects import Address, Transport
from sip_proxy.sip.uri import SipUri

AddressType = Literal["A", "AAAA"]
RecordType = Literal["NAPTR", "SRV", "A", "AAAA"]

# What a zone may make us ask and try: more than any real one has.
MAX_RECORDS = 16
MAX_SERVERS = 16

# Where nothing says which: what every carrier speaks comes first (RFC 3261 18.1.1)
_PREFERRED: tuple[Transport, ...] = ("udp", "tcp", "tls")
_SERVICES: dict[str, Transport] = {"SIP+D2U": "udp", "SIP+D2T": "tcp", "SIPS+D2T": "tls"}
_PREFIXES: dict[Transport, str] = {"udp": "_sip._udp.", "tcp": "_sip._tcp.", "tls": "_sips._tcp."}
_ASKED: dict[str, Transport] = {"udp": "udp", "tcp": "tcp", "tls": "tls"}


class Question(NamedTuple):
    name: str
    type: RecordType


class Naptr(NamedTuple):
    order: int
    preference: int
    flags: str
    service: str
    replacement: str


class Srv(NamedTuple):
    priority: int
    weight: int
    port: int
    target: str


Record = Naptr | Srv | str  # a string is an address


@dataclass(frozen=True, slots=True)
class Server:
    """One place to send to; `name` is what its certificate has to be for: the domain that was asked for, never what
    the DNS made of it (RFC 5922 7.1)."""

    transport: Transport
    address: Address
    name: str


T = TypeVar("T")
_Steps = Generator[Question, tuple[Record, ...], T]
Search = _Steps[tuple[Server, ...]]


def locate(uri: SipUri, speaks: Collection[Transport], addresses: AddressType, draw: Callable[[int], int]) -> Search:
    """The servers of a URI, the one to try first first; none when there is no way there.

    `speaks`: the transports that we have; `draw(n)`: a random number below n. An maddr parameter does not count: it
    would let whoever writes the URI send us anywhere.
    """
    usable = [transport for transport in _PREFERRED if transport in speaks and _is_allowed(uri, transport)]
    asked = _transport_asked(uri)
    name = uri.address.lower().rstrip(".")
    numeric = is_numeric(name)
    if asked is None and (numeric or uri.port is not None):
        asked = _default(uri)  # RFC 3263 4.1: nothing is looked up
    if asked is not None and asked not in usable:
        return ()
    if asked is not None and numeric:
        return (Server(asked, Address(name, uri.port or default_port(asked)), name),)
    if asked is not None and uri.port is not None:
        servers = yield from _at(name, uri.port, asked, addresses, name)
        return tuple(servers)
    services = [(asked, _PREFIXES[asked] + name)] if asked is not None else (yield from _services(name, usable))
    servers, announced = yield from _announced(services, addresses, name, draw)
    if not announced and (asked or _default(uri)) in usable:
        # RFC 3263 4.2: no SRV record at all
        transport = asked or _default(uri)
        servers = yield from _at(name, default_port(transport), transport, addresses, name)
    return tuple(servers[:MAX_SERVERS])


def in_order(records: Iterable[Srv], draw: Callable[[int], int]) -> Iterator[Srv]:
    """RFC 2782: the lowest priority first; among equals, each is the next with a chance as large as its weight."""
    by_priority = sorted(records, key=lambda record: (record.priority, record.weight))  # those without weight first
    for _, group in groupby(by_priority, key=lambda record: record.priority):
        waiting = list(group)
        while waiting:
            yield waiting.pop(_drawn(waiting, draw))


def default_port(transport: Transport) -> int:
    return 5061 if transport == "tls" else 5060  # RFC 3261 19.1.2


def is_numeric(host: str) -> bool:
    """Whether a host (without brackets) is an address and no name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _drawn(waiting: list[Srv], draw: Callable[[int], int]) -> int:
    left = draw(sum(record.weight for record in waiting) + 1)
    for at, record in enumerate(waiting):
        left -= record.weight
        if left <= 0:
            return at
    return len(waiting) - 1


def _is_allowed(uri: SipUri, transport: Transport) -> bool:
    return transport == "tls" or uri.scheme != "sips"  # RFC 3261 26.2.2


def _transport_asked(uri: SipUri) -> Transport | None:
    """What the URI insists on; one that we never heard of counts as none (some phones write `transport=invalid`)."""
    asked = _ASKED.get((uri.param("transport") or "").lower())
    return "tls" if asked == "tcp" and uri.scheme == "sips" else asked


def _default(uri: SipUri) -> Transport:
    return "tls" if uri.scheme == "sips" else "udp"  # RFC 3263 4.1


def _services(name: str, usable: list[Transport]) -> _Steps[list[tuple[Transport, str]]]:
    """RFC 3263 4.1: which transports a domain offers, and the names of their SRV records."""
    records = [record for record in (yield Question(name, "NAPTR")) if isinstance(record, Naptr)]
    services = []
    for record in sorted(records[:MAX_RECORDS], key=lambda record: (record.order, record.preference)):
        transport = _SERVICES.get(record.service.upper())
        if transport in usable and transport is not None and record.flags.lower() == "s" and record.replacement:
            services.append((transport, record.replacement.lower()))
    return services or [(transport, _PREFIXES[transport] + name) for transport in usable]


def _announced(
    services: list[tuple[Transport, str]], addresses: AddressType, name: str, draw: Callable[[int], int]
) -> _Steps[tuple[list[Server], bool]]:
    """RFC 3263 4.2: the servers that SRV records name, and whether there was any such record."""
    servers: list[Server] = []
    announced = False
    for transport, service in services:
        records = [record for record in (yield Question(service, "SRV")) if isinstance(record, Srv)]
        announced = announced or bool(records)
        for record in in_order(records[:MAX_RECORDS], draw):
            if record.target and len(servers) < MAX_SERVERS:  # RFC 2782: the root as a target says "not here"
                servers += yield from _at(record.target, record.port, transport, addresses, name)
    return servers, announced


def _at(host: str, port: int, transport: Transport, addresses: AddressType, name: str) -> _Steps[list[Server]]:
    answers = yield Question(host.lower(), addresses)
    return [Server(transport, Address(answer, port), name) for answer in answers if isinstance(answer, str)]
