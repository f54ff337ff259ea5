"""The supervisor with real processes: it restarts what ends, stops in order, and leaves nothing behind."""

import asyncio
import os
import signal
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.integration.local_children import SLEEP, WITH_GRANDCHILD, exists, python
from tests.waiting import wait_until
from vqm_local.settings import REPOSITORY
from vqm_local.supervisor import ProgramEnded, Supervisor

pytestmark = pytest.mark.integration


class News:
    """Records what the supervisor says."""

    def __init__(self):
        self.said = []

    def __call__(self, program, sentence):
        self.said.append((program, sentence))


@pytest.fixture
def news():
    return News()


@asynccontextmanager
async def supervisor_in(folder, news):
    supervisor = Supervisor(folder, news)
    try:
        yield supervisor
    finally:
        await supervisor.stop()


async def lines_of(log: Path, count: int) -> list[str]:
    def lines() -> list[str] | None:
        found = log.read_text().splitlines() if log.exists() else []
        return found if len(found) >= count else None

    found: list[str] = await wait_until(lines, f"{count} lines in {log.name}")
    return found


async def pids_in(log: Path, lines: int = 1) -> list[int]:
    return [int(pid) for line in await lines_of(log, lines) for pid in line.split()]


async def gone(*processes: int) -> None:
    await wait_until(lambda: not any(exists(process) for process in processes), "the end of all processes")


async def test_what_ends_is_started_again_and_this_is_said(tmp_path, news):
    async with supervisor_in(tmp_path, news) as supervisor:
        await supervisor.start(python("short", "print('here', flush=True); raise SystemExit(3)"))

        await lines_of(tmp_path / "short.log", 2)

        assert news.said[0] == ("short", "ended with code 3, starting again in 0.5 s")
        with pytest.raises(ProgramEnded, match=r"short ended with code 3; it said last .*\n    here"):
            supervisor.check()


async def test_a_killed_program_is_started_again(tmp_path, news):
    async with supervisor_in(tmp_path, news) as supervisor:
        await supervisor.start(python("long", f"import os; print(os.getpid(), flush=True); {SLEEP}"))
        (first,) = await pids_in(tmp_path / "long.log")

        os.kill(first, signal.SIGKILL)

        _, second = await pids_in(tmp_path / "long.log", 2)
        assert exists(second)


async def test_stopping_goes_backwards_and_lets_each_finish(tmp_path, news):
    order = tmp_path / "order"
    code = "import signal, sys; print('up', flush=True); signal.sigwait([15]); open({!r}, 'a').write({!r})"
    async with supervisor_in(tmp_path, news) as supervisor:
        for name in ("first", "second", "third"):
            blocked = "import signal; signal.pthread_sigmask(signal.SIG_BLOCK, [15]); "
            await supervisor.start(python(name, blocked + code.format(str(order), name + "\n")))
            await lines_of(tmp_path / f"{name}.log", 1)

    assert order.read_text().split() == ["third", "second", "first"]
    assert news.said == []


async def test_what_does_not_stop_is_killed_and_so_is_what_it_started(tmp_path, news):
    async with supervisor_in(tmp_path, news) as supervisor:
        stubborn = "import signal; signal.signal(15, signal.SIG_IGN); " + WITH_GRANDCHILD.strip()
        await supervisor.start(python("stubborn", stubborn, grace_s=0.1))
        processes = await pids_in(tmp_path / "stubborn.log")

    await gone(*processes)


async def test_a_second_wish_to_stop_ends_everything_at_once(tmp_path, news):
    async with supervisor_in(tmp_path, news) as supervisor:
        stubborn = f"import signal; signal.signal(15, signal.SIG_IGN); print('up', flush=True); {SLEEP}"
        await supervisor.start(python("stubborn", stubborn, grace_s=600))
        await lines_of(tmp_path / "stubborn.log", 1)
        stopping = asyncio.create_task(supervisor.stop())
        await asyncio.sleep(0)  # it asks now

        supervisor.kill()

        async with asyncio.timeout(10):
            await stopping


async def test_warnings_are_told_and_the_rest_is_only_kept(tmp_path, news):
    said = [
        "2026-01-01T10:00:00Z [info     ] all well",
        "2026-01-01T10:00:01Z [warning  ] not so well",
        "  because of this",
        "2026-01-01T10:00:02Z [info     ] well again",
    ]
    async with supervisor_in(tmp_path, news) as supervisor:
        await supervisor.start(python("service", f"print({chr(10).join(said)!r}, flush=True); {SLEEP}"))

        kept = await lines_of(tmp_path / "service.log", 4)

    assert kept == said
    assert news.said == [("service", said[1]), ("service", said[2])]
    assert (tmp_path / "service.log").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=["killed", "terminated"])
async def test_a_supervisor_that_dies_leaves_nothing_behind(tmp_path, number):
    dying = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.integration.local_children", str(tmp_path), cwd=REPOSITORY
    )
    processes = await pids_in(tmp_path / "family.log") + await pids_in(tmp_path / "single.log")

    dying.send_signal(number)
    await dying.wait()

    await gone(*processes)
