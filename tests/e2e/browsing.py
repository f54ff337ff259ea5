"""A real browser (the machine's Chromium, headless) signed in to the dashboard."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal
from urllib.parse import quote

from playwright.async_api import Browser, Locator, Page, async_playwright

from tests.e2e.running import PASSWORD
from tests.requirements import require_chromium

Where = Literal["live", "ended"]

FLAGS = (
    "--headless",
    "--no-sandbox",  # as root in a container there is none
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """The browser for as long as the block lasts."""
    path = require_chromium()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        try:
            yield browser
        finally:
            await browser.close()


class Dashboard:
    """The page as a person sees it."""

    def __init__(self, page: Page) -> None:
        self.page = page

    async def sign_in(self, username: str = "admin", password: str = PASSWORD) -> None:
        """Signs in; the page may still be loading."""
        await self.page.get_by_test_id("signin-username").fill(username)
        await self.page.get_by_test_id("signin-password").fill(password)
        await self.page.get_by_test_id("signin-submit").click()

    def rows(self, where: Where) -> Locator:
        """The calls in progress, or those that ended."""
        return self.page.get_by_test_id(f"{where}-calls").get_by_test_id("call-row")

    def row(self, call_id: str, where: Where) -> Locator:
        return self.page.get_by_test_id(f"{where}-calls").locator(f'[data-call-id="{call_id}"]')

    async def open_call(self, call_id: str) -> None:
        """Goes to the page of one call."""
        await self.page.evaluate("hash => { location.hash = hash; }", f"#/calls/{quote(call_id, safe='')}")
        await self.page.get_by_test_id("call").wait_for()

    async def first_number_at(self, call_id: str, party: str, within_s: float = 10.0) -> float:
        """Waits until the row of the call shows a MOS for what this party sends; when that was, in epoch seconds."""
        handle = await self.page.wait_for_function(
            """([callId, party]) => {
                const row = document.querySelector(`[data-call-id="${CSS.escape(callId)}"]`);
                const cell = row?.querySelector(`[data-testid="call-mos-${party}"]`);
                return /[0-9]/.test(cell?.textContent ?? "") ? Date.now() : null;
            }""",
            arg=[call_id, party],
            timeout=within_s * 1000,
        )
        return float(await handle.json_value()) / 1000


async def number(cell: Locator) -> float:
    """The number that a cell shows: `4.41`, `5.0%`, `0,3 ms`."""
    text = await cell.inner_text()
    found = re.search(r"[0-9]+(?:[.,][0-9]+)?", text)
    assert found, f"no number in {text!r}"
    return float(found[0].replace(",", "."))


@asynccontextmanager
async def opened_page(browser: Browser, url: str, locale: str = "en-GB") -> AsyncIterator[Dashboard]:
    """The first page, opened by a person of this language who has not signed in."""
    context = await browser.new_context(locale=locale, base_url=url, viewport={"width": 1280, "height": 800})
    context.set_default_timeout(10_000)
    page = await context.new_page()
    try:
        await page.goto("/")
        yield Dashboard(page)
    finally:
        await context.close()


@asynccontextmanager
async def dashboard(browser: Browser, url: str, locale: str = "en-GB") -> AsyncIterator[Dashboard]:
    """The dashboard, signed in."""
    async with opened_page(browser, url, locale) as page:
        await page.sign_in()
        yield page
