"""Uploaded captures: put on the disk as they come, handed to the capture worker, their reports stored.

Nothing of a capture is parsed here. The worker is met in a folder (`shared.capture_spool`), so that it goes on when
this process restarts, and this process finds what was done meanwhile.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from pathlib import Path

import structlog
from pydantic import ValidationError

from api.retention import Disk
from api.shapes import CAPTURE_UNDER_WAY, CaptureView
from api.store import captures
from api.store.database import Database, DatabaseUnavailable
from shared.capture_spool import CaptureSpool
from shared.captures import CaptureReport

log = structlog.get_logger(__name__)

POLL_S = 0.25
TRY_AGAIN_S = 5.0
SWEEP_S = 600.0
BLOCK_BYTES = 1 << 20
WAITING_MAX = 50
ARRIVING_MAX = 4


class TooLarge(Exception):
    """The capture is larger than the setting allows."""


class NoRoom(Exception):
    """The disk would have less than its reserve."""


class TooMany(Exception):
    """Too many captures arrive or wait."""


@dataclass(frozen=True, slots=True)
class CaptureRules:
    """What the settings say of captures."""

    max_bytes: int
    keep_files: bool  # after the analysis
    instance: str


class Captures:
    """The captures in the care of this process. `show` and `forget` tell the live view."""

    def __init__(
        self,
        spool: CaptureSpool,
        database: Database,
        disk: Disk,
        rules: CaptureRules,
        show: Callable[[CaptureView], None],
        forget: Callable[[str], None],
        now: Callable[[], float],
    ) -> None:
        self._spool = spool
        self._database = database
        self._disk = disk
        self._rules = rules
        self._show = show
        self._forget = forget
        self._now = now
        self._under_way: dict[str, CaptureView] = {}
        self._arriving = 0

    @property
    def max_bytes(self) -> int:
        return self._rules.max_bytes

    async def receive(
        self, name: str, user: str, announced_bytes: int | None, blocks: AsyncIterator[bytes]
    ) -> CaptureView:
        """Takes a capture in and queues it. What is not complete leaves nothing behind.

        Raises:
            TooLarge, NoRoom, TooMany: and why is in the class.
        """
        if self._arriving >= ARRIVING_MAX or len(self._under_way) >= WAITING_MAX:
            raise TooMany
        self._admit(announced_bytes or 0, announced_bytes or 0)
        capture_id = secrets.token_hex(8)
        arriving = self._spool.arriving(capture_id)
        self._arriving += 1
        try:
            size_bytes = await self._write(capture_id, blocks)
            capture = CaptureView(capture_id, name, user, self._now(), size_bytes, "queued", None, None, None, None)
            async with self._database.writing() as connection:
                await captures.add(connection, capture, self._rules.instance)
            arriving.rename(self._spool.capture(capture_id))
        finally:
            self._arriving -= 1
            arriving.unlink(missing_ok=True)
        self._under_way[capture_id] = capture
        self._show(capture)
        return capture

    async def drop(self, capture_id: str) -> bool:
        """Deletes a capture, its report and its file; an analysis that goes on ends. False: there is none."""
        async with self._database.writing() as connection:
            found = await captures.drop(connection, capture_id)
        if found:
            self._under_way.pop(capture_id, None)
            self._spool.capture(capture_id).unlink(missing_ok=True)
            self._spool.kept(capture_id).unlink(missing_ok=True)
            self._forget(capture_id)
        return found

    def newest(self, capture: CaptureView) -> CaptureView:
        """The same capture with the progress that is not in the database."""
        return self._under_way.get(capture.capture_id, capture) if capture.state in CAPTURE_UNDER_WAY else capture

    async def prepare(self) -> None:
        """Goes on with what an earlier process of this name left."""
        await asyncio.to_thread(self._clear)
        await self.sweep()
        async with self._database.reading() as connection:
            for capture in await captures.under_way(connection, self._rules.instance):
                self._under_way[capture.capture_id] = capture
                self._show(capture)

    async def run(self) -> None:
        """Follows the worker until cancelled."""
        swept_at = self._now()
        while True:
            await asyncio.sleep(POLL_S)
            try:
                for capture in list(self._under_way.values()):
                    await self._look_after(capture)
                if self._now() - swept_at >= SWEEP_S:
                    swept_at = self._now()
                    await self.sweep()
            except DatabaseUnavailable as error:
                log.warning("captures are looked after later", error=str(error))
                await asyncio.sleep(TRY_AGAIN_S)

    async def sweep(self) -> None:
        """Takes away files of captures that were deleted, or are kept no longer."""
        found = await asyncio.to_thread(lambda: [*self._spool.ids("capture"), *self._spool.ids("kept")])
        async with self._database.reading() as connection:
            known = await captures.known(connection, found)
        for capture_id in set(found) - known:
            self._spool.capture(capture_id).unlink(missing_ok=True)
            self._spool.kept(capture_id).unlink(missing_ok=True)

    def _clear(self) -> None:
        self._spool.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for capture_id in self._spool.ids("arriving"):
            self._spool.arriving(capture_id).unlink(missing_ok=True)

    def _admit(self, size_bytes: int, to_come_bytes: int) -> None:
        if size_bytes > self._rules.max_bytes:
            raise TooLarge
        free = self._disk.free_bytes()
        if free is not None and free - to_come_bytes < self._disk.reserve_bytes:
            raise NoRoom

    async def _write(self, capture_id: str, blocks: AsyncIterator[bytes]) -> int:
        size_bytes = 0
        with self._spool.arriving(capture_id).open("wb") as file:
            waiting = bytearray()
            async for block in blocks:
                waiting += block
                size_bytes += len(block)
                if len(waiting) >= BLOCK_BYTES or size_bytes > self._rules.max_bytes:
                    self._admit(size_bytes, len(waiting))
                    await asyncio.to_thread(file.write, waiting)
                    waiting = bytearray()
            await asyncio.to_thread(file.write, waiting)
        return size_bytes

    async def _look_after(self, capture: CaptureView) -> None:
        report, error, progress, present = await asyncio.to_thread(self._outputs, capture.capture_id)
        if report is not None:
            await self._take(capture, report)
        elif error is not None:
            sentence = error.replace(self._spool.capture(capture.capture_id).name, capture.name)
            await self._settle(capture, None, state="failed", progress=None, error=sentence)
        elif not present:
            await self._settle(capture, None, state="failed", progress=None, error="its file is gone")
        else:
            self._follow(capture, progress)

    def _follow(self, capture: CaptureView, progress: float | None) -> None:
        changed = replace(capture, state="queued" if progress is None else "running", progress=progress)
        if changed != capture and capture.capture_id in self._under_way:
            self._under_way[capture.capture_id] = changed
            self._show(changed)

    def _outputs(self, capture_id: str) -> tuple[bytes | None, str | None, float | None, bool]:
        """The report, the error, the progress, and whether the capture itself is there."""
        spool = self._spool
        present = spool.capture(capture_id).exists()
        try:
            return spool.report(capture_id).read_bytes(), None, None, present
        except FileNotFoundError:
            pass
        error, progress = _text(spool.error(capture_id)), _text(spool.progress(capture_id))
        return None, error, None if progress is None else _share(progress), present

    async def _take(self, capture: CaptureView, text: bytes) -> None:
        try:
            report = await asyncio.to_thread(CaptureReport.model_validate_json, text)
        except ValidationError as error:
            log.error("a capture report cannot be read", capture_id=capture.capture_id, error=str(error)[:500])
            await self._settle(capture, None, state="failed", progress=None, error="its report cannot be read")
            return
        named = report.model_copy(update={"name": capture.name})
        stored = await asyncio.to_thread(named.model_dump_json)
        await self._settle(capture, stored, state="done", progress=1.0, streams=len(report.streams))

    async def _settle(self, capture: CaptureView, report: str | None, **outcome: object) -> None:
        settled = replace(capture, finished_at=self._now(), **outcome)  # type: ignore[arg-type]  # fields of it
        async with self._database.writing() as connection:
            await captures.settle(connection, settled, report)
        file = self._spool.capture(capture.capture_id)
        if self._rules.keep_files and file.exists():
            file.replace(self._spool.kept(capture.capture_id))
        else:
            file.unlink(missing_ok=True)
        if self._under_way.pop(capture.capture_id, None) is not None:  # else it was deleted meanwhile
            self._show(settled)


def _text(path: Path) -> str | None:
    try:
        return path.read_text()
    except FileNotFoundError:
        return None


def _share(text: str) -> float | None:
    """What the worker wrote, when it is a share."""
    try:
        share = float(text)
    except ValueError:
        return None
    return share if 0 <= share <= 1 else None
