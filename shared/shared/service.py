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
) -> None:
    """Runs `main` until it returns or a signal cancels it. Cleaning up is `main`'s own business (`finally`)."""
    set_up(name, settings.log_format, settings.log_level)
    log.info("starting")
    try:
        with asyncio.Runner(loop_factory=make_loop) as runner:
            runner.run(_until_signalled(main))
    except Exception:  # the one supervisor: say it, exit, let the process manager restart us
        log.exception("stopped by a bug or a lost resource")
        sys.exit(1)
    log.info("stopped")


async def _until_signalled(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    task = asyncio.ensure_future(main())
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, task.cancel)
    try:
        await task
    except asyncio.CancelledError:
        if not task.cancelled():
            raise
