"""One lane per call: what belongs to one Call-ID is handled strictly in order, also across waits for Redis; calls do
not wait for one another."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

import structlog

log = structlog.get_logger(__name__)

Work = TypeVar("Work")


class Lanes(Generic[Work]):
    """Queues of work by Call-ID, each emptied by a task of its own that ends when there is nothing more."""

    def __init__(self, tasks: asyncio.TaskGroup) -> None:
        self._tasks = tasks
        self._waiting: dict[str, deque[Work]] = {}
        self.failures = 0  # pieces of work that a bug of ours broke off

    def serve(self, handle: Callable[[Work], Awaitable[None]], broken_off: Callable[[Work], None]) -> None:
        """Names who does the work, and who is told when a bug broke it off. Before the first `put`."""
        self._handle = handle
        self._broken_off = broken_off

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, call_id: str, work: Work) -> None:
        waiting = self._waiting.get(call_id)
        if waiting is not None:
            waiting.append(work)
            return
        self._waiting[call_id] = deque((work,))
        self._tasks.create_task(self._run(call_id))

    async def _run(self, call_id: str) -> None:
        waiting = self._waiting[call_id]
        try:
            while waiting:
                await self._attempt(call_id, waiting.popleft())
        finally:
            del self._waiting[call_id]

    async def _attempt(self, call_id: str, work: Work) -> None:
        try:
            await self._handle(work)
        except Exception:  # the one supervisor of message handling: a bug in one call must not end the others
            self.failures += 1
            log.exception("work on a call broken off", call_id=call_id, work=type(work).__name__)
            self._broken_off(work)
