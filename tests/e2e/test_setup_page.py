"""The page that says what to enter into a device, and sees by itself when the device works."""

import pytest
from playwright.async_api import expect

from tests.e2e.browsing import dashboard
from vqm_local.phone import phone_in

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("phones")]


async def test_the_checks_turn_green_as_the_device_registers_and_calls(system, browser, tmp_path):
    async with dashboard(browser, system.url) as shown, phone_in(tmp_path) as phone:
        page = shown.page
        await page.get_by_role("link", name="Set up a device").click()
        await page.get_by_label("Account").fill("welcome-gw")
        await page.get_by_test_id("setup-device").select_option("tiesse-imola")
        configuration = page.locator('[data-testid="setup-help"][data-device="tiesse-imola"]')
        await expect(configuration).to_contain_text("set voip trunk sip monitor1 username welcome-gw")
        await expect(page.get_by_test_id("check-echo")).to_have_attribute("data-seen", "false")

        await phone.account(system.server, "welcome-gw", "WelcomeGW456")
        await expect(page.get_by_test_id("check-registered")).to_have_attribute("data-seen", "true", timeout=10_000)
        await phone.play(440)
        call = await phone.call(f"sip:999@{system.server}")
        await call.answered()

        await expect(page.get_by_test_id("check-echo")).to_have_attribute("data-seen", "true", timeout=10_000)
        await expect(page.get_by_test_id("check-codec")).to_have_attribute("data-seen", "true")
        await expect(page.get_by_test_id("check-spoken")).to_have_attribute("data-seen", "false")
        await call.hangup()


async def test_what_cannot_stand_in_a_configuration_is_refused_in_words(system, browser):
    async with dashboard(browser, system.url) as shown:
        page = shown.page
        await page.get_by_role("link", name="Set up a device").click()

        await page.get_by_label("Account").fill("<script>")

        await expect(page.get_by_role("alert")).to_contain_text("Letters, digits")
