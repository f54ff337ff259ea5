"""Keepalives on the UDP port that want an answer: STUN (RFC 5626 4.4.2)."""

import pytest

from sip_proxy import stun
from sip_proxy.effects import Address
from tests.integration.sip.conftest import System
from tests.integration.sip.phone import HOST, Phone
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

REQUEST = bytes.fromhex("00010000 2112a442") + bytes(range(12))
SOFTWARE = bytes.fromhex("80220008") + b"phone 10"


class StunPhone(Phone):
    """A phone that also hears what is no SIP."""

    def __init__(self, proxy: Address) -> None:
        super().__init__(proxy, "gateway-monitor", "VoipQuality2025!")
        self.heard: list[bytes] = []

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if data[:1] == b"\x01":
            self.heard.append(data)
        else:
            super().datagram_received(data, addr)


async def test_a_registered_phone_learns_where_its_nat_shows_it(system: System) -> None:
    async with StunPhone(system.app.address) as phone:
        await phone.register()
        phone.send(REQUEST)

        await wait_until(lambda: phone.heard, "the answer")

    assert phone.heard == [stun.answer(REQUEST, Address(HOST, phone.port))]


async def test_a_stranger_gets_no_more_octets_than_he_sent(system: System) -> None:
    long = REQUEST[:2] + len(SOFTWARE).to_bytes(2, "big") + REQUEST[4:] + SOFTWARE
    async with StunPhone(system.app.address) as stranger:
        stranger.send(REQUEST)
        stranger.send(long)

        await wait_until(lambda: stranger.heard, "the answer to the longer request")
        await wait_until(lambda: system.app.counters().get("keepalives") == 2, "both to be read")

    assert [len(answer) <= len(long) for answer in stranger.heard] == [True]
