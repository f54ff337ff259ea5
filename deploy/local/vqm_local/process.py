"""A child process that cannot outlive us: its own session, a death signal from the kernel, its whole group ended."""

import asyncio
import ctypes
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

PR_SET_PDEATHSIG = 1  # prctl(2)

_libc = ctypes.CDLL(None, use_errno=True)


def die_with_parent() -> None:
    """Has the kernel send us SIGTERM when the thread that started us ends."""
    parent = os.getppid()
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it ended in between
        os.kill(os.getpid(), signal.SIGTERM)


async def spawn(command: Sequence[str], environment: Mapping[str, str]) -> asyncio.subprocess.Process:
    """Starts a program tied to this thread, with its output (both kinds) to be read from `stdout`.

    Raises:
        OSError: it cannot be executed.
    """
    return await asyncio.create_subprocess_exec(
        *command,
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,  # a Ctrl-C in the terminal is for the supervisor alone
        preexec_fn=_tie_to(os.getpid()),
    )


async def end(process: asyncio.subprocess.Process, grace_s: float) -> None:
    """Asks the process to stop, insists after `grace_s`, and ends whatever it started and left behind."""
    try:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.terminate()
            with suppress(TimeoutError):
                async with asyncio.timeout(grace_s):
                    await process.wait()
    finally:
        kill_group(process.pid)
    await process.wait()


def kill_group(leader: int) -> None:
    """Ends every process of a group at once. The group may be gone already."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


class Guardian:
    """A small process in a session of its own that ends the groups of our children when we die without doing so.

    The kernel's death signal reaches children only, not what they started; the guardian reaches these too.
    """

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "vqm_local.guardian", stdin=asyncio.subprocess.PIPE, start_new_session=True
        )

    def watch(self, leader: int) -> None:
        """From now on the group is to be ended with us."""
        self._tell(f"+{leader}\n")

    def forget(self, leader: int) -> None:
        """The group is gone; its number may be given to others."""
        self._tell(f"-{leader}\n")

    async def stop(self) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
            await self._process.wait()

    def _tell(self, line: str) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.write(line.encode())


def _tie_to(parent: int) -> Callable[[], None]:
    def tie() -> None:
        # Runs between fork and exec: no imports, no locks, nothing that could block.
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            os._exit(1)

    return tie
