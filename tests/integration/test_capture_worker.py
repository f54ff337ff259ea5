"""The capture worker: what one analysis may take, and what it makes of a folder that others change."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from rtp_analyzer.capture_worker import Limits, work
from shared.capture_spool import CaptureSpool
from tests.capture_files import on_ethernet, pcap, voice
from tests.waiting import wait_until

# In a fresh checkout the analysis compiles first.
pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]
COMPILED_S = 200.0


@pytest.fixture
def spool(tmp_path: Path) -> CaptureSpool:
    spool = CaptureSpool(tmp_path)
    spool.capture("a").write_bytes(pcap(on_ethernet(voice(100))))
    return spool


@asynccontextmanager
async def working(spool: CaptureSpool, limits: Limits) -> AsyncIterator[None]:
    task = asyncio.create_task(work(spool, limits))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def error(spool: CaptureSpool, capture_id: str) -> str:
    await wait_until(spool.error(capture_id).exists, "the analysis fails", within_s=COMPILED_S)
    return spool.error(capture_id).read_text()


async def test_an_analysis_that_takes_too_long_is_stopped(spool):
    async with working(spool, Limits(seconds=0.01)):
        assert await error(spool, "a") == "the analysis was stopped after 0.01 s"


async def test_a_report_that_is_too_large_is_not_kept(spool):
    async with working(spool, Limits(report_bytes=1000)):
        assert (
            await error(spool, "a") == "there are more streams in it than can be shown: analyse it on the command line"
        )
        await wait_until(lambda: not spool.report("a").exists(), "no report stays")


async def test_the_first_capture_is_analysed_first_and_a_second_start_does_nothing_again(spool):
    spool.capture("b").write_bytes(b"")
    async with working(spool, Limits()):
        await error(spool, "b")
        assert spool.report("a").exists()
    before = spool.report("a").stat().st_mtime_ns

    spool.capture("c").write_bytes(b"")
    async with working(spool, Limits()):
        await error(spool, "c")

    assert spool.report("a").stat().st_mtime_ns == before


async def test_what_is_left_of_a_cancelled_capture_is_taken_away(spool):
    for kind in ("progress", "unfinished", "report", "error"):
        (spool.folder / f"gone.{kind}").write_text("0")
    spool.kept("gone").write_bytes(b"")

    async with working(spool, Limits()):
        await wait_until(lambda: not spool.progress("gone").exists(), "it is tidied")

    assert [path.name for path in spool.folder.glob("gone.*")] == ["gone.kept"]
