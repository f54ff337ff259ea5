"""Every torture message on the live port: its verdict, and the next request is served all the same."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.integration.sip.conftest import System
from tests.integration.sip.phone import HOST, PATIENCE_S
from tests.unit.sip_proxy.sip.test_sip_torture import ACCEPTED, COMPLETED, DROPPED, REFUSED, RFC_DATA
from tests.unit.sip_proxy.sip.test_sip_torture import octets as own

pytestmark = pytest.mark.integration

HONEST = b"""\
OPTIONS sip:127.0.0.1 SIP/2.0
Via: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bKhonest;rport
From: <sip:honest@example.org>;tag=h
To: <sip:127.0.0.1>
Call-ID: honest
CSeq: 1 OPTIONS
Max-Forwards: 70
User-Agent: An honest device

""".replace(b"\n", b"\r\n")
_status_line = re.compile(rb"SIP/2\.0 ([1-6][0-9][0-9]) [^\r\n]*\r\n").match


class Wire(asyncio.DatagramProtocol):
    """A socket that takes what is no SIP either."""

    def __init__(self) -> None:
        self.received: asyncio.Queue[bytes] = asyncio.Queue()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.received.put_nowait(data)

    async def answers_before_the_honest_one(self) -> list[int]:
        """The statuses of everything that comes before the answer to the honest request."""
        found = []
        async with asyncio.timeout(PATIENCE_S):
            while b"z9hG4bKhonest" not in (octets := await self.received.get()):
                line = _status_line(octets)
                assert line is not None, octets
                found.append(int(line[1]))
        return found


@asynccontextmanager
async def wire_to(system: System) -> AsyncIterator[tuple[Any, Wire]]:
    loop = asyncio.get_running_loop()
    transport, wire = await loop.create_datagram_endpoint(Wire, local_addr=(HOST, 0), remote_addr=system.app.address)
    try:
        yield transport, wire
    finally:
        transport.close()


async def answers_to(system: System, message: bytes) -> list[int]:
    async with wire_to(system) as (transport, wire):
        transport.sendto(message)
        transport.sendto(HONEST)
        return await wire.answers_before_the_honest_one()


async def test_a_broken_request_is_refused(system: System) -> None:
    answers = {name: await answers_to(system, own(name)) for name in REFUSED}

    assert answers == {name: [status] for name, status in REFUSED.items()}
    assert system.app.counters()["transactions"] == 0


async def test_what_is_no_request_gets_no_answer(system: System) -> None:
    answers = {name: await answers_to(system, own(name)) for name in DROPPED}

    assert answers == {name: [] for name in DROPPED}


async def test_a_valid_message_however_odd_is_served_as_any_other(system: System) -> None:
    answers = {name: await answers_to(system, own(name)) for name in (*ACCEPTED, *COMPLETED)}

    assert {name for name, statuses in answers.items() if len(statuses) > 1} == set()


@pytest.mark.skipif(not RFC_DATA.exists(), reason="the RFCs' torture messages are not at hand")
async def test_the_torture_messages_of_the_rfcs_get_their_verdict(system: System) -> None:
    verdicts = json.loads((RFC_DATA / "sip-expected.json").read_text())
    wrong = {}
    for rfc, name, verdict in ((rfc, *item) for rfc, messages in verdicts.items() for item in messages.items()):
        answers = await answers_to(system, (RFC_DATA / rfc / f"{name}.dat").read_bytes())
        if not _fits(verdict, answers):
            wrong[name] = answers

    assert wrong == {}


def _fits(verdict: dict[str, Any], answers: list[int]) -> bool:
    allowed = {*verdict.get("uas", ()), *verdict.get("proxy", ()), *verdict.get("reply", ())}
    if verdict["parse"] != "reject" and not allowed & {416, 420}:
        # well formed or taken for that: a stranger is challenged, whatever he would get in the end
        return len(answers) <= 1
    return {*answers} <= allowed and bool(answers or "drop" in allowed)
