"""The timers of transactions and calls, on the event loop."""

import asyncio
from collections.abc import Callable

from sip_proxy.effects import TransactionKey

Owner = TransactionKey | str  # a call goes by its Call-ID


class Alarms:
    """One timer for each name of an owner; `ran` is told when it has run out."""

    def __init__(self, ran: Callable[[Owner, str], None]) -> None:
        self._ran = ran
        self._loop = asyncio.get_running_loop()
        self._handles: dict[tuple[Owner, str], asyncio.TimerHandle] = {}

    def __len__(self) -> int:
        return len(self._handles)

    def set(self, owner: Owner, name: str, delay_s: float) -> None:
        """In place of an earlier one of that name."""
        self.cancel(owner, name)
        self._handles[owner, name] = self._loop.call_later(delay_s, self._run_out, owner, name)

    def cancel(self, owner: Owner, name: str) -> None:
        """Forgets the timer, if it still runs."""
        handle = self._handles.pop((owner, name), None)
        if handle is not None:
            handle.cancel()

    def close(self) -> None:
        """Stops all of them."""
        for handle in self._handles.values():
            handle.cancel()
        self._handles.clear()

    def _run_out(self, owner: Owner, name: str) -> None:
        self._handles.pop((owner, name), None)
        self._ran(owner, name)
