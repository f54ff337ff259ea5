"""The pages speak the language of the browser, and can be switched."""

import pytest
from playwright.async_api import expect

from tests.e2e.browsing import opened_page

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize(
    ("locale", "sign_in", "devices", "other"),
    [
        ("it-IT", "Accedi", "Dispositivi", "Devices"),
        ("en-US", "Sign in", "Devices", "Dispositivi"),
        ("de-DE", "Sign in", "Devices", "Dispositivi"),
    ],
)
async def test_the_page_follows_the_browser_and_the_switch(system, browser, locale, sign_in, devices, other):
    async with opened_page(browser, system.url, locale) as dashboard:
        page = dashboard.page
        await expect(page.get_by_test_id("signin-submit")).to_have_text(sign_in)

        await dashboard.sign_in()
        await expect(page.get_by_role("link", name=devices, exact=True)).to_be_visible()
        assert await page.evaluate("document.documentElement.lang") == ("it" if locale == "it-IT" else "en")

        await page.get_by_test_id("lang-switch").click()
        await expect(page.get_by_role("link", name=other, exact=True)).to_be_visible()
