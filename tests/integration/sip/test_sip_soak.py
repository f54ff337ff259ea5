"""A few hundred calls of every kind, at the same time: what they leave behind is nothing. The long version, with
memory, is `python -m tests.bench.sip.soak`."""

import asyncio
import os
from collections import Counter
from pathlib import Path

import pytest

from tests.bench.sip.sipp import Caller, Sipp
from tests.bench.sip.soak import WATCHED, Cast, devices, play
from tests.conftest import BrokerProcess
from tests.integration.sip.conftest import System, running
from tests.requirements import require_program
from tests.waiting import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

CALLER = Caller("gateway-monitor", "VoipQuality2025!")
CAST = Cast(CALLER, Caller("gateway-test", "TestMonitor123"), Caller("welcome-gw", "WelcomeGW456"), CALLER)
CALLS = 300
PORTS = range(20000, 20400, 2)  # more than run at a time, however slow the machine


async def left_behind(system: System) -> tuple[dict[str, float], Counter[str], int]:
    """What is running in the proxy, the keys of calls and media in Redis, and how many ports are free."""
    counters = system.app.counters()
    keys = [key async for key in system.redis.scan_iter(match="vqm:*", count=500)]
    kinds = Counter(kind for key in keys if (kind := key.split(":")[1]) in ("call", "opened", "assignments", "leases"))
    return {name: counters[name] for name in WATCHED}, kinds, await system.free_ports()


async def test_calls_of_every_kind_leave_nothing_behind(broker: BrokerProcess, tmp_path: Path) -> None:
    require_program("sipp", "sip-tester")
    async with running(broker, ports=PORTS, media_timeout_s=5.0) as system:
        sipp = Sipp(system.app.address.port, tmp_path, os.sched_getaffinity(0))
        nothing = await left_behind(system)
        staged = devices(sipp, CAST)
        await asyncio.to_thread(staged.__enter__)
        try:
            outcomes = await asyncio.to_thread(play, sipp, CAST, 30, CALLS)

            async def is_clean() -> bool:
                return await left_behind(system) == nothing

            await wait_until(is_clean, "the end of all that the calls needed", within_s=30)
        finally:
            await asyncio.to_thread(staged.__exit__, None, None, None)

    # on a machine that is busy with others a call may fail, and leaves nothing either
    assert sum(outcome.done + outcome.failed for outcome in outcomes.values()) == CALLS
    assert all(outcome.done > outcome.failed for outcome in outcomes.values()), outcomes
