"""`python -m tests.e2e.screenshots docs/images`: the pictures of the README, of the demo with its real calls."""

import argparse
import asyncio
from pathlib import Path
from typing import Any

from tests.e2e.browsing import Dashboard, chromium, dashboard
from tests.e2e.running import Rest, prepared_system
from tests.waiting import wait_until

CALLS = 2
ENOUGH_PACKETS = 900  # 18 s: a timeline worth looking at


async def take(folder: Path) -> None:
    """Writes `dashboard.png`, with live calls and ended ones, and `call.png`, the impaired call of the demo."""
    folder.mkdir(parents=True, exist_ok=True)  # noqa: ASYNC240  # once, at the start of a tool
    with prepared_system() as system:
        system.start("demo")
        async with system.rest() as rest, chromium() as browser, dashboard(browser, system.url) as page:
            # The second round of the demo: then the page has calls that ended, too.
            await wait_until(lambda: _ended(rest), "the first round is over", within_s=90)
            calls = await wait_until(lambda: _measured(rest), "the calls have been measured for a while", within_s=60)
            await _shoot(page, folder / "dashboard.png")
            worst = min(calls, key=lambda call: call["mos"])
            await page.open_call(worst["call_id"])
            await page.page.get_by_test_id("timeline").wait_for()
            await page.page.get_by_test_id("sip-message").first.wait_for()
            await _shoot(page, folder / "call.png")


async def _ended(rest: Rest) -> bool:
    return len(await rest.items("calls", state="ended")) >= CALLS


async def _measured(rest: Rest) -> list[dict[str, Any]] | None:
    calls = await rest.items("calls", state="live")
    long = [call for call in calls if (call["directions"]["caller"]["packets_expected"] or 0) >= ENOUGH_PACKETS]
    return calls if len(long) == len(calls) == CALLS else None


async def _shoot(page: Dashboard, path: Path) -> None:
    await page.page.screenshot(path=path, animations="disabled")
    print(path)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    asyncio.run(take(parser.parse_args().folder))
