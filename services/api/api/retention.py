"""How long each kind of thing is kept, and what happens when the disk fills up: details go first, calls last."""

import asyncio
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from api.store import expiry
from api.store.database import Database, DatabaseUnavailable

log = structlog.get_logger(__name__)

DAY_S = 86_400.0
INTERVAL_S = 600.0
PAUSE_S = 0.02  # between two steps, for those who wait to store
RESUME = 1.2  # times the reserve: whoever clears a disk must not see details come and go

KINDS: Mapping[str, expiry.Step] = {
    "calls": expiry.drop_calls,
    "course": expiry.roll_up,
    "minutes": expiry.drop_minutes,
    "messages": expiry.drop_messages,
    "security": expiry.drop_security_events,
    "audit": expiry.drop_audit,
    "probes": expiry.drop_probes,
    "devices": expiry.drop_devices,
    "captures": expiry.drop_captures,
}


@dataclass(slots=True)
class Kind:
    """One kind of thing that is kept for some days; 0: for ever."""

    keep_days: float
    done: int = 0  # since the start: taken away, or rolled up
    last_run_at: float | None = None


class Retention:
    """Keeps the database as small as the settings say. `keep_days`: by the names of KINDS."""

    def __init__(self, database: Database, keep_days: Mapping[str, float], now: Callable[[], float]) -> None:
        self._database = database
        self._now = now
        self.kinds = {name: Kind(keep_days[name]) for name in KINDS}

    @property
    def counters(self) -> Mapping[str, float]:
        """What was taken away or rolled up since the start, by kind."""
        return {f"expired_{name}": kind.done for name, kind in self.kinds.items()}

    async def run(self) -> None:
        """Works until cancelled, a round every few minutes."""
        while True:
            try:
                await self.run_once()
            except DatabaseUnavailable as error:
                log.warning("nothing taken away, trying again later", error=str(error))
            await asyncio.sleep(INTERVAL_S)

    async def run_once(self) -> None:
        """One round through all kinds."""
        for name, step in KINDS.items():
            kind = self.kinds[name]
            if kind.keep_days:
                before = self._now() - kind.keep_days * DAY_S
                while done := await self._step(step, before):
                    kind.done += done
                    await asyncio.sleep(PAUSE_S)
            kind.last_run_at = self._now()
        while await self._give_back():  # noqa: ASYNC110  # nothing is waited for: others write in between
            await asyncio.sleep(PAUSE_S)

    async def _step(self, step: expiry.Step, before: float) -> int:
        async with self._database.writing() as connection:
            return await step(connection, before)

    async def _give_back(self) -> int:
        async with self._database.writing() as connection:
            return await expiry.give_back(connection)


def free_bytes(folder: Path) -> int:
    """What the disk of a folder has left."""
    return shutil.disk_usage(folder).free


@dataclass(slots=True)
class Disk:
    """Watches the disk that the database is on. `folder` is None where the database looks after its disk itself."""

    folder: Path | None
    reserve_bytes: int
    free: Callable[[Path], int] = free_bytes
    _low: bool = field(default=False, init=False)

    def free_bytes(self) -> int | None:
        """None: not our disk."""
        return None if self.folder is None else self.free(self.folder)

    def keeps_details(self) -> bool:
        """Whether there is room for more than calls and events. Says so in the log when that changes."""
        free = self.free_bytes()
        if free is None:
            return True
        low = free < self.reserve_bytes * (RESUME if self._low else 1)
        if low != self._low:
            self._low = low
            if low:
                log.error("the disk is nearly full: only calls are stored, no details", free_mb=free >> 20)
            else:
                log.warning("there is room on the disk again: details are stored", free_mb=free >> 20)
        return not low
