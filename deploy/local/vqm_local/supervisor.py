"""Keeps programs running: starts them, restarts what ends, stops all in order. Knows nothing of what they are."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from vqm_local.journal import Journal, Lines
from vqm_local.process import Guardian, end, kill_group, spawn

RESTART_PAUSES_S = (0.5, 1.0, 2.0, 5.0, 10.0)
STEADY_S = 30.0  # a program that ran this long starts again without a pause from the past
DRAIN_S = 1.0

Say = Callable[[str, str], None]
"""How news reach the person at the terminal: (program, sentence)."""


@dataclass(frozen=True, slots=True)
class Program:
    """Something to keep running."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    grace_s: float = 5.0  # how long it may take to end when asked to


class ProgramEnded(Exception):
    """A program ended before the whole system was up. The text holds its last lines."""


class Supervisor:
    """Runs programs, each in a session of its own, with their output in `<log_dir>/<name>.log`.

    Start it from the main thread: the kernel ends the programs with the thread that started them.
    """

    def __init__(self, log_dir: Path, say: Say) -> None:
        self._log_dir = log_dir
        self._say = say
        self._guardian = Guardian()
        self._keepers: list[_Keeper] = []

    async def start(self, program: Program) -> None:
        """Starts a program and from now on restarts it whenever it ends.

        Raises:
            OSError: it cannot be executed, or its log cannot be written.
        """
        if not self._keepers:
            self._log_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            await self._guardian.start()
        keeper = _Keeper(program, Journal(self._log_dir / f"{program.name}.log"), self._guardian, self._say)
        self._keepers.append(keeper)
        await keeper.start()

    def check(self) -> None:
        """Raises ProgramEnded when a program has ended since it was first started."""
        for keeper in self._keepers:
            if keeper.exit_code is not None:
                lines = self.last_lines(keeper.program.name)
                raise ProgramEnded(f"{keeper.program.name} ended with code {keeper.exit_code}{lines}")

    def last_lines(self, name: str) -> str:
        """What a program said last, indented, and where the rest is."""
        for keeper in self._keepers:
            if keeper.program.name == name:
                lines = "".join(f"\n    {line}" for line in keeper.journal.last_lines)
                return f"; it said last ({keeper.journal.path}):{lines}" if lines else " and said nothing"
        return ""

    async def stop(self) -> None:
        """Ends all programs one after the other, the one that was started last first."""
        try:
            while self._keepers:
                await self._keepers[-1].stop()
                self._keepers.pop()
        finally:
            self.kill()
            await self._guardian.stop()

    def kill(self) -> None:
        """Ends all programs at once, without asking."""
        for keeper in self._keepers:
            keeper.kill()


class _Keeper:
    """One program and the task that restarts it."""

    def __init__(self, program: Program, journal: Journal, guardian: Guardian, say: Say) -> None:
        self.program = program
        self.journal = journal
        self.exit_code: int | None = None  # of the last time it ended
        self._guardian = guardian
        self._say = say
        self._process: asyncio.subprocess.Process | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = asyncio.create_task(self._keep(await self._spawn()), name=f"keep {self.program.name}")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        self.journal.close()

    def kill(self) -> None:
        if self._process is not None:
            kill_group(self._process.pid)

    async def _keep(self, process: asyncio.subprocess.Process) -> None:
        clock = asyncio.get_running_loop().time
        short_runs = 0
        while True:
            started_at = clock()
            self.exit_code = await self._attend(process)
            short_runs = 0 if clock() - started_at > STEADY_S else short_runs
            pause_s = RESTART_PAUSES_S[min(short_runs, len(RESTART_PAUSES_S) - 1)]
            short_runs += 1
            self._say(self.program.name, f"ended with code {self.exit_code}, starting again in {pause_s:g} s")
            await asyncio.sleep(pause_s)
            process = await self._spawn_again()

    async def _spawn_again(self) -> asyncio.subprocess.Process:
        while True:
            try:
                return await self._spawn()
            except OSError as error:  # no memory, no process numbers left: may pass
                self._say(self.program.name, f"cannot be started: {error}")
                await asyncio.sleep(RESTART_PAUSES_S[-1])

    async def _spawn(self) -> asyncio.subprocess.Process:
        self._process = await spawn(self.program.command, self.program.environment)
        self._guardian.watch(self._process.pid)
        return self._process

    async def _attend(self, process: asyncio.subprocess.Process) -> int:
        """Reads the output until the process ends; ends it when we are cancelled. Returns its exit code."""
        reading = asyncio.create_task(self._read(process), name=f"read {self.program.name}")
        try:
            return await process.wait()
        finally:
            await end(process, self.program.grace_s)
            self._guardian.forget(process.pid)
            self._process = None
            with suppress(TimeoutError):
                # Something that left the group may still hold the pipe open: not a reason to wait for it.
                await asyncio.wait_for(reading, DRAIN_S)

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None  # noqa: S101  # for the type checker: spawn() opens a pipe
        lines = Lines()
        while data := await process.stdout.read(65536):
            for line in lines.feed(data):
                self._add(line)
        for line in lines.flush():
            self._add(line)

    def _add(self, line: str) -> None:
        if self.journal.add(line):
            self._say(self.program.name, line)
