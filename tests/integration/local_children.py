"""Programs for the supervisor to run in its tests, and a supervisor of its own to kill: `local_children.py FOLDER`."""

import asyncio
import os
import sys
from pathlib import Path

from vqm_local.supervisor import Program, Supervisor

SLEEP = "import signal; signal.pause()"
# Writes its own number and that of a child that ignores SIGTERM, so that only a kill of the group ends it.
WITH_GRANDCHILD = f"""
import os, signal, subprocess, sys
deaf = "import signal; signal.signal(15, signal.SIG_IGN); print(flush=True); {SLEEP}"
child = subprocess.Popen([sys.executable, "-c", deaf], stdout=subprocess.PIPE)
child.stdout.readline()
print(os.getpid(), child.pid, flush=True)
signal.pause()
"""


def python(name: str, code: str, grace_s: float = 5.0) -> Program:
    """A program that runs this code."""
    return Program(name, (sys.executable, "-c", code), dict(os.environ), grace_s)


def exists(process: int) -> bool:
    """Whether the process runs; one that ended and only waits to be reaped does not."""
    try:
        return ") Z" not in Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return False


async def main(folder: Path) -> None:
    supervisor = Supervisor(folder, lambda *_: None)
    await supervisor.start(python("family", WITH_GRANDCHILD))
    await supervisor.start(python("single", f"import os; print(os.getpid(), flush=True); {SLEEP}"))
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
