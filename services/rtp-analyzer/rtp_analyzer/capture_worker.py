"""`python -m rtp_analyzer.capture_worker` analyses uploaded captures, one at a time, each in a process of its own.

It needs the folder that it shares with the api (`shared.capture_spool`) and nothing else: no network, no Redis. What a
hostile file does to the process that reads it stays there.
"""

import asyncio
import os
import resource
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import structlog

from rtp_analyzer.taps.capture.outcome import EXIT_UNREADABLE, PROGRESS
from shared.capture_spool import OUTPUTS, REPORT_MAX_BYTES, CaptureSpool, write_whole
from shared.service import run
from shared.settings import CommonSettings, load

log = structlog.get_logger(__name__)

POLL_S: Final = 0.2
MEMORY_MAX_BYTES: Final = 4 << 30  # it takes some 200 MB, whatever the file
NICENESS: Final = 10  # live calls first


@dataclass(frozen=True, slots=True)
class Limits:
    """What one analysis may take."""

    seconds: float = 3600.0
    report_bytes: int = REPORT_MAX_BYTES


async def work(spool: CaptureSpool, limits: Limits) -> None:
    """Analyses whatever is put into the spool until cancelled."""
    spool.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    while True:
        _drop_orphans(spool)
        capture_id = _next(spool)
        if capture_id is None:
            await asyncio.sleep(POLL_S)
        else:
            log.info("analysing a capture", capture_id=capture_id)
            error = await _analyse(spool, capture_id, limits)
            log.info("capture analysed", capture_id=capture_id, error=error)


def _next(spool: CaptureSpool) -> str | None:
    done = {*spool.ids("report"), *spool.ids("error")}
    return next((capture_id for capture_id in spool.ids("capture") if capture_id not in done), None)


def _drop_orphans(spool: CaptureSpool) -> None:
    """What is left of captures that were cancelled."""
    present = set(spool.ids("capture"))
    for kind in OUTPUTS:
        for capture_id in spool.ids(kind):
            if capture_id not in present:
                spool.drop_outputs(capture_id)


async def _analyse(spool: CaptureSpool, capture_id: str, limits: Limits) -> str | None:
    """Writes the report, or why there is none, and returns that; a capture that vanishes is left alone."""
    spool.drop_outputs(capture_id)
    write_whole(spool.progress(capture_id), "0")
    process = await _start(spool, capture_id, limits)
    try:
        async with asyncio.timeout(limits.seconds), asyncio.TaskGroup() as tasks:
            watching = tasks.create_task(_kill_when_gone(spool, capture_id, process))
            told = await _follow(spool, capture_id, process)
            code = await process.wait()
            watching.cancel()
    except TimeoutError:
        told, code = f"the analysis was stopped after {limits.seconds:g} s", None
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
    return _settle(spool, capture_id, told, code, limits)


async def _start(spool: CaptureSpool, capture_id: str, limits: Limits) -> Process:
    command = (sys.executable, "-m", "rtp_analyzer", "capture", str(spool.capture(capture_id)))

    def confine() -> None:
        os.nice(NICENESS)
        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_MAX_BYTES, MEMORY_MAX_BYTES))
        resource.setrlimit(resource.RLIMIT_FSIZE, (limits.report_bytes, limits.report_bytes))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    with spool.unfinished(capture_id).open("wb") as report:
        return await asyncio.create_subprocess_exec(
            *command, "--json", "--tell-progress", stdin=DEVNULL, stdout=report, stderr=PIPE, preexec_fn=confine
        )


async def _kill_when_gone(spool: CaptureSpool, capture_id: str, process: Process) -> None:
    while spool.capture(capture_id).exists():  # noqa: ASYNC110  # another process takes it away: no event tells us
        await asyncio.sleep(POLL_S)
    with suppress(ProcessLookupError):
        process.kill()


async def _follow(spool: CaptureSpool, capture_id: str, process: Process) -> str:
    """Passes the progress on; returns the last other line that the process wrote."""
    assert process.stderr is not None  # noqa: S101  # it is a pipe
    last = ""
    async for raw in process.stderr:
        line = raw.decode(errors="replace").strip()
        if line.startswith(PROGRESS):
            write_whole(spool.progress(capture_id), line.removeprefix(PROGRESS))
        elif line:
            last = line.removeprefix("rtp_analyzer: ")
    return last


def _settle(spool: CaptureSpool, capture_id: str, told: str, code: int | None, limits: Limits) -> str | None:
    """Puts the report in its place, or why there is none."""
    if not spool.capture(capture_id).exists():
        return "cancelled"
    report = spool.unfinished(capture_id)
    error = _error(told, code, report.stat().st_size, limits)
    if error is None:
        report.replace(spool.report(capture_id))
    else:
        write_whole(spool.error(capture_id), error)
    return error


def _error(told: str, code: int | None, report_bytes: int, limits: Limits) -> str | None:
    if report_bytes >= limits.report_bytes:
        return "there are more streams in it than can be shown: analyse it on the command line"
    if code is None or (code == EXIT_UNREADABLE and not report_bytes):
        return told
    if code not in (0, EXIT_UNREADABLE):
        log.error("the analysis of a capture ended unexpectedly", code=code, told=told)
        return f"the analysis ended unexpectedly, with code {code}"
    return None


if __name__ == "__main__":
    os.umask(0o077)  # captures hold what people said
    settings = load(CommonSettings)
    run("capture-worker", settings, lambda: work(CaptureSpool.under(settings.data_dir), Limits()))
