"""Plays one scenario: a SIPp process for every party, the called ones first."""

import asyncio
import os
import secrets
import shlex
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.acceptance.catalogue import Scenario, expanded
from tests.acceptance.targets import HOST, PASSWORD, Target
from tests.paper_worker import MEDIA_ADDRESS
from tests.ports import free_port
from tests.waiting import wait_until

PATIENCE_S = 30
TRANSPORTS = {"udp": "u1", "tcp": "t1"}  # as SIPp names them


@dataclass(frozen=True, slots=True)
class Played:
    """What became of a scenario."""

    call_id: str
    failure: str | None  # None: every party saw what it had to see; else what SIPp says of those that did not


async def play(scenario: Scenario, target: Target, folder: Path, transport: str) -> Played:
    """Plays it to the end, in processes whose files stay in the folder."""
    call = f"{scenario.title}.{secrets.token_hex(4)}"
    async with AsyncExitStack() as running:
        processes = {}
        for party, path in scenario.parties.items():
            command = _command(scenario, party, target, call, transport)
            processes[party] = await running.enter_async_context(_sipp(command, expanded(path), folder / party))
            if party != "alice":
                await _ready(processes[party], folder / party)
        codes = {party: await process.wait() for party, process in processes.items()}
    failed = [party for party, code in codes.items() if code != 0]
    return Played(call, "\n".join(_told(party, codes[party], folder / party) for party in failed) or None)


def _command(scenario: Scenario, party: str, target: Target, call: str, transport: str) -> list[str]:
    users = {name.rstrip("0123456789") for name in ("alice", "bob", "carol", *scenario.parties)}
    keys = {
        **{name: scenario.user(name, transport) for name in sorted(users)},
        "domain": f"{HOST}:{target.port}",
        "relay": MEDIA_ADDRESS,
    }
    # SIPp finds the call of a message by what follows "///" in its Call-ID: so one process registers and is called.
    command = ["sipp", f"{HOST}:{target.port}", "-sf", "scenario.xml", "-m", "1", "-cid_str", call]
    of_caller, _, of_called = transport.partition("-")
    spoken = (of_called or of_caller) if party != "alice" else of_caller
    command += ["-i", HOST, "-p", str(free_port()), "-t", TRANSPORTS[spoken]]
    command += ["-au", scenario.user(party, transport), "-ap", PASSWORD]
    command += [word for key, value in keys.items() for word in ("-key", key, value)]
    command += ["-nostdin", "-timeout", f"{PATIENCE_S}s", "-timeout_error"]
    for log in ("err", "msg", "logs"):
        command += [f"-trace_{log}"]
    return [*command, "-error_file", "errors", "-message_file", "messages", "-log_file", "log"]


@asynccontextmanager
async def _sipp(command: list[str], scenario: str, folder: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    _prepare(folder, scenario, command)
    with (folder / "screen").open("wb") as screen:
        process = await asyncio.create_subprocess_exec(
            *command, cwd=folder, env={**os.environ, "TERM": "dumb"}, stdout=screen, stderr=asyncio.subprocess.STDOUT
        )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def _prepare(folder: Path, scenario: str, command: list[str]) -> None:
    folder.mkdir(parents=True)
    (folder / "scenario.xml").write_text(scenario, "utf-8")
    (folder / "command").write_text(shlex.join(command) + "\n", "utf-8")  # to be run again by hand


async def _ready(process: asyncio.subprocess.Process, folder: Path) -> None:
    def registered_or_gone() -> bool:
        return _read(folder / "log") != "" or process.returncode is not None

    # a party that cannot register is ended by its own patience, and tells why
    await wait_until(registered_or_gone, f"{folder.name} is ready", within_s=PATIENCE_S + 10)


def _told(party: str, code: int, folder: Path) -> str:
    return f"--- {party}: sipp ended with {code}, see {folder}\n{_read(folder / 'errors') or _read(folder / 'screen')}"


def _read(path: Path) -> str:
    return path.read_text("utf-8", "replace") if path.exists() else ""
