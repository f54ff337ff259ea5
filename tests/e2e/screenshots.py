"""`python -m tests.e2e.screenshots docs/images`: the pictures of the README, of the demo with its real calls."""

import argparse
import asyncio
from pathlib import Path

from playwright.async_api import FloatRect

from tests.e2e.browsing import chromium, dashboard
from tests.e2e.running import Rest, prepared_system
from tests.waiting import wait_until

CALLS = 2
ENOUGH_PACKETS = 500  # 10 s
FIRST_SCREENS: FloatRect = {"x": 0, "y": 0, "width": 1280, "height": 1500}


async def take(folder: Path) -> None:
    """Writes `dashboard.png`, with calls in progress and others that ended, and `call.png`, the worst of them."""
    folder.mkdir(parents=True, exist_ok=True)  # noqa: ASYNC240  # once, at the start of a tool
    with prepared_system() as system:
        system.start("demo")
        async with system.rest() as rest, chromium() as browser, dashboard(browser, system.url) as page:
            # The second round of the demo: then the page has calls that ended, too.
            await wait_until(lambda: _ended(rest), "the first round is over", within_s=90)
            await wait_until(lambda: _measured(rest), "the calls have been measured for a while", within_s=60)
            await page.page.screenshot(path=folder / "dashboard.png")
            worst = min(await rest.items("calls"), key=lambda call: call["mos"])
            await page.open_call(worst["call_id"])
            await page.page.get_by_test_id("timeline").wait_for()
            await page.page.get_by_test_id("sip-message").first.wait_for()
            await page.page.screenshot(path=folder / "call.png", full_page=True, clip=FIRST_SCREENS)


async def _ended(rest: Rest) -> bool:
    return len(await rest.items("calls", state="ended")) >= CALLS


async def _measured(rest: Rest) -> bool:
    calls = await rest.items("calls", state="live")
    packets = [call["directions"]["caller"]["packets_expected"] or 0 for call in calls]
    return len(packets) == CALLS and min(packets) >= ENOUGH_PACKETS


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    asyncio.run(take(parser.parse_args().folder))
