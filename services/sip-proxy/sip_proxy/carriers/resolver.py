"""The DNS, asked: a thin shell around dnspython, which keeps answers for as long as they say."""

from collections.abc import Sequence
from ipaddress import ip_address
from typing import Protocol

import structlog
from dns.asyncresolver import Resolver as AsyncResolver
from dns.exception import DNSException
from dns.name import Name, from_text
from dns.nameserver import Do53Nameserver
from dns.rdtypes.IN.A import A
from dns.rdtypes.IN.AAAA import AAAA
from dns.rdtypes.IN.NAPTR import NAPTR
from dns.rdtypes.IN.SRV import SRV
from dns.resolver import NXDOMAIN, LRUCache, NoAnswer

from sip_proxy.effects import Address
from sip_proxy.sip.locate import Naptr, Question, Record, Search, Server, Srv

log = structlog.get_logger(__name__)

# Of one question, with its repetitions: a phone waits meanwhile.
TIMEOUT_S = 3.0
MAX_KEPT = 1000  # answers
DNS_PORT = 53


class Unresolved(Exception):
    """No name server gave an answer, be it that there is none."""


class Answers(Protocol):
    """Who answers questions about names."""

    async def records(self, question: Question) -> tuple[Record, ...]:
        """The records, or none.

        Raises:
            Unresolved: nobody knows.
        """


class Resolver:
    """Asks the name servers given, or those of the system."""

    def __init__(self, servers: Sequence[Address] = (), timeout_s: float = TIMEOUT_S) -> None:
        self._servers = servers
        self._timeout_s = timeout_s
        self._resolver: AsyncResolver | None = None  # not before the first question: a system may have no DNS at all

    async def records(self, question: Question) -> tuple[Record, ...]:
        try:
            # absolute: the search list of the machine is no business of a phone's
            name = from_text(question.name)
            answer = await self._opened().resolve(name, question.type, lifetime=self._timeout_s)
        except (NXDOMAIN, NoAnswer):
            return ()
        except (DNSException, OSError) as error:
            log.warning("name not looked up", name=question.name, type=question.type, error=str(error))
            raise Unresolved(question.name) from error
        return tuple(record for rdata in answer if (record := _record(rdata)) is not None)

    def _opened(self) -> AsyncResolver:
        if self._resolver is None:
            resolver = AsyncResolver(configure=not self._servers)
            if self._servers:
                resolver.nameservers = [Do53Nameserver(host, port) for host, port in self._servers]
            resolver.cache = LRUCache(MAX_KEPT)
            self._resolver = resolver
        return self._resolver


def parse_name_servers(text: str) -> tuple[Address, ...]:
    """`address`, `address:port` or `[address]:port`, separated by commas.

    Raises:
        ValueError: something is none of these.
    """
    return tuple(_address(piece.strip()) for piece in text.split(",") if piece.strip())


async def found(search: Search, answers: Answers) -> tuple[Server, ...]:
    """Leads a search to its end.

    Raises:
        Unresolved: it could not be ended.
    """
    try:
        question = next(search)
        while True:
            question = search.send(await answers.records(question))
    except StopIteration as end:
        servers: tuple[Server, ...] = end.value
        return servers


def _address(text: str) -> Address:
    host, _, port = text.rpartition(":") if text.count(":") == 1 or "]:" in text else (text, "", str(DNS_PORT))
    try:
        return Address(str(ip_address(host.strip("[]"))), int(port))
    except ValueError:
        raise ValueError(f"{text!r} is no address of a name server") from None


def _record(rdata: object) -> Record | None:
    match rdata:
        case A() | AAAA():
            return str(rdata.address)
        case SRV():
            return Srv(rdata.priority, rdata.weight, rdata.port, _name(rdata.target))
        case NAPTR():
            flags, service = (text.decode("ascii", "replace") for text in (rdata.flags, rdata.service))
            return Naptr(rdata.order, rdata.preference, flags, service, _name(rdata.replacement))
    return None


def _name(name: Name) -> str:
    """Without the dot at its end; the root is the empty text."""
    return name.to_text(omit_final_dot=True).removesuffix(".")
