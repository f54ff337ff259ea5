"""What the scenarios are played against: our own proxy as a process, and Kamailio as somebody else's."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared.broker import Bus, Workers, connect
from shared.events import CALLS, Event, decode
from tests.acceptance.catalogue import HERE, Scenario
from tests.conftest import BrokerProcess
from tests.paper_worker import PaperWorker
from tests.waiting import wait_until

HOST = "127.0.0.1"
PASSWORD = "acceptance"
PORTS = range(20000, 30000, 2)  # on paper; none of them comes back
MAX_EVENTS = 100_000  # of calls, in one run


@dataclass(frozen=True, slots=True)
class Target:
    """A proxy that runs."""

    name: str
    port: int


@asynccontextmanager
async def monitor(
    broker: BrokerProcess, scenarios: Iterable[Scenario], port: int, folder: Path
) -> AsyncIterator[Target]:
    """Our proxy, with a relay worker on paper and the accounts of these scenarios."""
    redis = connect(broker.url)
    await redis.flushdb()
    worker = PaperWorker(Bus(redis), Workers(redis), PORTS)
    await worker.announce()
    working = asyncio.create_task(worker.work())
    (folder / "accounts.json").write_text(json.dumps(list(_accounts(scenarios))))
    environment = {
        "VQM_REDIS_URL": broker.url,
        "VQM_BIND": HOST,
        "VQM_SIP_TRANSPORTS": "udp,tcp",  # SIPp has no TLS
        "VQM_SIP_PORT": str(port),
        "VQM_SIP_ROUND_TRIP_MS": "200",  # so that 64*T1 is not half a minute; Kamailio is told the same
        "VQM_TRUSTED_NETWORKS": f"{HOST}/32",  # all parties come from one address, and ask as friends do
        "VQM_REALM": "acceptance",
        "VQM_SIP_ACCOUNTS_FILE": str(folder / "accounts.json"),
    }
    try:
        async with _program([sys.executable, "-m", "sip_proxy"], environment, b"listening", folder / "monitor.log"):
            yield Target("monitor", port)
    finally:
        working.cancel()
        with suppress(asyncio.CancelledError):
            await working
        await redis.aclose()


async def call_events(broker: BrokerProcess) -> list[Event]:
    """What our proxy has told of calls."""
    redis = connect(broker.url)
    try:
        return [decode(fields) for _, fields in reversed(await redis.xrevrange(CALLS.key, count=MAX_EVENTS))]
    finally:
        await redis.aclose()


@asynccontextmanager
async def kamailio(program: str, port: int, folder: Path) -> AsyncIterator[Target]:
    """Kamailio with our small configuration."""
    command = [program, "-f", str(HERE / "kamailio" / "kamailio.cfg"), "-DD", "-m", "32", "-M", "4"]
    command += ["-Y", str(folder), "-P", str(folder / "kamailio.pid")]
    command += ["-l", f"udp:{HOST}:{port}", "-l", f"tcp:{HOST}:{port}"]
    async with _program(command, {}, b"Listening on", folder / "kamailio.log"):
        yield Target("kamailio", port)


def _accounts(scenarios: Iterable[Scenario]) -> Iterator[dict[str, Any]]:
    for scenario, transport in ((one, transport) for one in scenarios for transport in one.transports):
        alice, bob, carol, line = (scenario.user(party, transport) for party in ("alice", "bob", "carol", "line"))
        yield from ({"name": user, "password": PASSWORD} for user in (alice, bob, carol))
        # a gateway: the name that proves who it is is not the user that is called
        yield {"name": line, "password": PASSWORD, "users": [alice]}


@asynccontextmanager
async def _program(command: list[str], environment: dict[str, str], ready: bytes, log: Path) -> AsyncIterator[None]:
    """Runs until the block ends; `ready` is what it says when it listens."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("VQM_")}
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *command, env={**inherited, **environment}, stdout=output, stderr=asyncio.subprocess.STDOUT
        )

    def listens_or_gone() -> bool:
        return ready in log.read_bytes() or process.returncode is not None

    try:
        await wait_until(listens_or_gone, f"{command[0]} listens", within_s=20)
        assert process.returncode is None, f"{command[0]} did not start: see {log}"
        yield
    finally:
        if process.returncode is None:
            process.terminate()
        await asyncio.wait_for(process.wait(), 10)
