"""A phone program in a process of its own, with a folder that it takes for its user's home."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from vqm_local.process import die_with_parent, end

QUIT_S = 3.0


@asynccontextmanager
async def running(
    command: list[str], home: Path, hear: Callable[[str], None] = lambda line: None
) -> AsyncIterator[asyncio.StreamWriter]:
    """Its standard input, for as long as the block lasts. What it prints goes line by line to `hear`, and to a log."""
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=home,
        env={"HOME": str(home), "PATH": os.environ["PATH"]},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
        preexec_fn=die_with_parent,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    reading = asyncio.create_task(_read(process.stdout, home / "output.log", hear))
    try:
        yield process.stdin
    finally:
        await end(process, QUIT_S)
        await reading


async def _read(output: asyncio.StreamReader, log: Path, hear: Callable[[str], None]) -> None:
    with log.open("wb") as file:
        async for line in output:
            file.write(line)
            file.flush()
            hear(line.decode(errors="replace").strip())
