"""A name server for tests: one UDP socket, and the zone that it is given, in dnspython's wire format."""

import asyncio
from collections.abc import Mapping
from typing import Any, Self

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

from sip_proxy.effects import Address

HOST = "127.0.0.1"


class NameServer(asyncio.DatagramProtocol):
    """`zone`: (name, type) to records as a zone file writes them. What it is asked is kept."""

    def __init__(self, zone: Mapping[tuple[str, str], tuple[str, ...]], ttl_s: int = 60) -> None:
        self.zone = dict(zone)
        self.ttl_s = ttl_s
        self.asked: list[tuple[str, str]] = []
        self.silent = False

    async def __aenter__(self) -> Self:
        self._socket, _ = await asyncio.get_running_loop().create_datagram_endpoint(lambda: self, local_addr=(HOST, 0))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._socket.close()

    @property
    def address(self) -> Address:
        return Address(*self._socket.get_extra_info("sockname"))

    def datagram_received(self, data: bytes, addr: Any) -> None:
        if self.silent:
            return
        query = dns.message.from_wire(data)
        [question] = query.question
        name, kind = question.name.to_text(omit_final_dot=True), dns.rdatatype.to_text(question.rdtype)
        self.asked.append((name, kind))
        response = dns.message.make_response(query)
        response.flags |= dns.flags.RA
        records = self.zone.get((name, kind), ())
        if records:
            response.answer.append(dns.rrset.from_text(question.name, self.ttl_s, "IN", kind, *records))
        elif not any(known == name for known, _ in self.zone):
            response.set_rcode(dns.rcode.NXDOMAIN)
        self._socket.sendto(response.to_wire(), addr)
