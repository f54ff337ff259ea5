"""The timers of transactions and calls, on the event loop.

Each message sets some, nearly all are cancelled, and few lengths are in use: timers of one length run out in the order
in which they were set, so a queue for each length and one timer of the loop for its head will do.
"""

import asyncio
from collections import deque
from collections.abc import Callable

from sip_proxy.effects import TransactionKey

Owner = TransactionKey | str  # a call goes by its Call-ID

RESOLUTION_S = 0.001  # the loop counts in milliseconds, and may be that much early


class Alarms:
    """One timer for each name of an owner; `ran` is told when it has run out."""

    def __init__(self, ran: Callable[[Owner, str], None]) -> None:
        self._ran = ran
        self._loop = asyncio.get_running_loop()
        self._due: dict[tuple[Owner, str], float] = {}
        # By length, what was set: cancelled and replaced ones are passed over when their time has come.
        self._queues: dict[float, deque[tuple[float, tuple[Owner, str]]]] = {}
        self._handles: dict[float, asyncio.TimerHandle] = {}

    def __len__(self) -> int:
        return len(self._due)

    def set(self, owner: Owner, name: str, delay_s: float) -> None:
        """In place of an earlier one of that name."""
        key = (owner, name)
        at = self._due[key] = self._loop.time() + delay_s
        queue = self._queues.get(delay_s)
        if queue is not None:
            queue.append((at, key))
            return
        self._queues[delay_s] = deque(((at, key),))
        self._handles[delay_s] = self._loop.call_at(at, self._run_out, delay_s)

    def cancel(self, owner: Owner, name: str) -> None:
        """Forgets the timer, if it still runs."""
        self._due.pop((owner, name), None)

    def close(self) -> None:
        """Stops all of them."""
        for handle in self._handles.values():
            handle.cancel()
        self._handles.clear()
        self._queues.clear()
        self._due.clear()

    def _run_out(self, delay_s: float) -> None:
        queue = self._queues[delay_s]
        now = self._loop.time() + RESOLUTION_S
        late = []
        while queue and (queue[0][0] <= now or not self._runs(*queue[0])):
            late.append(queue.popleft())
        if queue:
            self._handles[delay_s] = self._loop.call_at(queue[0][0], self._run_out, delay_s)
        else:
            del self._queues[delay_s], self._handles[delay_s]
        for at, key in late:
            if self._runs(at, key):  # not cancelled, also not by the one before
                del self._due[key]
                self._ran(*key)

    def _runs(self, at: float, key: tuple[Owner, str]) -> bool:
        return self._due.get(key) == at
