"""Calls with an extension in which something is due: read from their records, so that it outlives a process."""

import asyncio
from collections.abc import Callable

from sip_proxy.calls.calls import CallBook
from sip_proxy.lanes import Lanes
from sip_proxy.work import DeadlinePassed, Work

CHECK_S = 0.5


async def watch_deadlines(book: CallBook, lanes: Lanes[Work], now: Callable[[], float]) -> None:
    """Says of which calls a deadline has passed, until cancelled."""
    while True:
        await asyncio.sleep(CHECK_S)
        for call_id, record in book.running().items():
            if record.deadline is not None and record.deadline <= now():
                lanes.put(call_id, DeadlinePassed(call_id))
