"""How a service lives: logs set up, one main task, SIGTERM and SIGINT cancel it, a bug ends the process with code 1."""

import asyncio
import signal
import sys
from collections.abc import Callable, Coroutine
from typing import Any

import structlog

from shared.logs import set_up
from shared.settings import CommonSettings

log = structlog.get_logger(__name__)


def run(
    name: str,
    settings: CommonSettings,
    main: Callable[[], Coroutine[Any, Any, None]],
    make_loop: Callable[[], asyncio.AbstractEventLoop] | None = None,
    leave: Callable[[], object] | None = None,
) -> None:
    """Runs `main` until it returns or a signal cancels it. Cleaning up is `main`'s own business (`finally`).

    With `leave` the first signal calls that instead, so that `main` can return in its own time; the second one cancels.
    """
    set_up(name, settings.log_format, settings.log_level)
    log.info("starting")
    try:
        with asyncio.Runner(loop_factory=make_loop) as runner:
            runner.run(_until_signalled(main, leave))
    except Exception:  # the one supervisor: say it, exit, let the process manager restart us
        log.exception("stopped by a bug or a lost resource")
        sys.exit(1)
    log.info("stopped")


async def _until_signalled(main: Callable[[], Coroutine[Any, Any, None]], leave: Callable[[], object] | None) -> None:
    task = asyncio.ensure_future(main())
    loop = asyncio.get_running_loop()
    answers = iter([leave] if leave is not None else [])
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, lambda: next(answers, task.cancel)())
    try:
        await task
    except asyncio.CancelledError:
        if not task.cancelled():
            raise
