"""The settings page: an administrator lets others in, and everybody looks after his own account."""

import httpx
import pytest
from playwright.async_api import expect

from tests.e2e.browsing import dashboard, opened_page

pytestmark = pytest.mark.e2e

MARTAS_PASSWORD = "kettle-violin-93-harbour"


async def test_an_administrator_adds_a_user_who_sees_only_what_is_his(system, browser):
    async with dashboard(browser, system.url) as admin:
        await admin.page.get_by_role("link", name="Settings").click()
        await admin.page.get_by_test_id("new-username").fill("marta")
        await admin.page.get_by_test_id("new-password").fill(MARTAS_PASSWORD)
        await admin.page.get_by_test_id("create-user").click()
        await expect(admin.page.locator('[data-testid="user-row"][data-username="marta"]')).to_be_visible()
        await expect(admin.page.get_by_test_id("audit-row").first).to_contain_text("User added")

    async with opened_page(browser, system.url) as marta:
        await marta.sign_in("marta", MARTAS_PASSWORD)
        await marta.page.get_by_role("link", name="Settings").click()
        await expect(marta.page.get_by_test_id("settings-username")).to_have_text("marta")
        await expect(marta.page.get_by_test_id("session")).to_have_count(1)
        await expect(marta.page.get_by_test_id("user-row")).to_have_count(0)
        await expect(marta.page.get_by_test_id("create-token")).to_have_count(0)


async def test_a_token_made_on_the_page_opens_rest_until_it_is_revoked(system, browser):
    async with dashboard(browser, system.url, "it-IT") as admin:
        page = admin.page
        await page.get_by_role("link", name="Impostazioni").click()
        await page.get_by_test_id("new-token").fill("wallboard")
        await page.get_by_test_id("create-token").click()
        secret = await page.get_by_test_id("token-secret").inner_text()
        headers = {"Authorization": f"Bearer {secret}"}

        async with httpx.AsyncClient(base_url=system.url, headers=headers, trust_env=False) as wallboard:
            admitted = await wallboard.get("/api/v1/calls")
            row = page.locator('[data-testid="token-row"][data-name="wallboard"]')
            await row.get_by_role("button", name="Revoca").click()
            await row.get_by_role("button", name="Revoca", exact=True).click()
            await expect(row).to_have_count(0)
            refused = await wallboard.get("/api/v1/calls")

    assert (admitted.status_code, refused.status_code) == (200, 401)
