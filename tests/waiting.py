"""How a test waits: for a condition, with a deadline. Nothing in the tests sleeps for a fixed time."""

import asyncio
import inspect
import time
from collections.abc import Callable
from typing import Any

import pytest


async def wait_until(ask: Callable[[], Any], what: str, *, within_s: float = 10.0) -> Any:
    """Asks again and again, a function or a coroutine function, until the answer is true, and returns the answer.

    An assertion that fails in there is a no. The test fails when `what` has not happened after `within_s` seconds.
    """
    deadline = time.monotonic() + within_s
    pause_s = 0.01
    while True:
        answer, why = await _ask(ask)
        if answer:
            return answer
        if time.monotonic() > deadline:
            pytest.fail(f"{what}: not within {within_s:g} s{why}")
        await asyncio.sleep(pause_s)
        pause_s = min(0.1, pause_s * 1.5)


async def _ask(ask: Callable[[], Any]) -> tuple[Any, str]:
    try:
        answer = ask()
        return (await answer if inspect.isawaitable(answer) else answer), ""
    except AssertionError as error:
        return None, f"; last: {str(error).splitlines()[0] if str(error) else 'an assertion failed'}"
