"""Names looked up in a real name server, on loopback."""

import pytest

from sip_proxy.carriers.resolver import Resolver, Unresolved, found
from sip_proxy.effects import Transport
from sip_proxy.sip.locate import Naptr, Question, Srv, locate
from sip_proxy.sip.uri import parse_uri
from tests.integration.sip.name_server import NameServer

pytestmark = pytest.mark.integration

TRANSPORTS: tuple[Transport, ...] = ("udp", "tcp")
ZONE = {
    ("example.com", "NAPTR"): ('10 50 "s" "SIP+D2U" "" _sip._udp.example.com.',),
    ("_sip._udp.example.com", "SRV"): ("10 60 5062 A.example.com.", "20 0 5060 ."),
    ("a.example.com", "A"): ("192.0.2.1", "192.0.2.2"),
    ("a.example.com", "AAAA"): ("2001:db8::1",),
}


async def test_records_of_every_kind_are_read() -> None:
    async with NameServer(ZONE) as server:
        resolver = Resolver([server.address])

        naptr = await resolver.records(Question("example.com", "NAPTR"))
        srv = await resolver.records(Question("_sip._udp.example.com", "SRV"))
        addresses = await resolver.records(Question("a.example.com", "AAAA"))

    assert naptr == (Naptr(10, 50, "s", "SIP+D2U", "_sip._udp.example.com"),)
    assert set(srv) == {Srv(10, 60, 5062, "A.example.com"), Srv(20, 0, 5060, "")}
    assert addresses == ("2001:db8::1",)


@pytest.mark.parametrize(("name", "kind"), [("nowhere.example.com", "A"), ("example.com", "AAAA")])
async def test_what_is_not_there_is_no_record(name: str, kind: str) -> None:
    async with NameServer(ZONE) as server:
        assert await Resolver([server.address]).records(Question(name, "A" if kind == "A" else "AAAA")) == ()


async def test_an_answer_is_asked_for_once_as_long_as_it_lives() -> None:
    async with NameServer(ZONE) as server:
        resolver = Resolver([server.address])

        for _ in range(3):
            await resolver.records(Question("a.example.com", "A"))

        assert len(server.asked) == 1
        server.ttl_s = 0
        for _ in range(2):
            await resolver.records(Question("_sip._udp.example.com", "SRV"))
        assert len(server.asked) == 3


async def test_a_name_server_that_is_silent_is_not_waited_for_for_ever() -> None:
    async with NameServer(ZONE) as server:
        server.silent = True

        with pytest.raises(Unresolved):
            await Resolver([server.address], timeout_s=0.2).records(Question("a.example.com", "A"))


@pytest.mark.parametrize("name", ["a" * 64 + ".example.com", "a..example.com"])
async def test_a_name_that_no_zone_can_hold_is_not_asked_for(name: str) -> None:
    async with NameServer(ZONE) as server:
        with pytest.raises(Unresolved):
            await Resolver([server.address]).records(Question(name, "A"))

        assert server.asked == []


async def test_a_search_is_led_from_naptr_to_the_addresses() -> None:
    async with NameServer(ZONE) as server:
        search = locate(parse_uri("sip:example.com"), TRANSPORTS, "A", lambda limit: 0)

        servers = await found(search, Resolver([server.address]))

    assert {str(server.address) for server in servers} == {"192.0.2.1:5062", "192.0.2.2:5062"}
