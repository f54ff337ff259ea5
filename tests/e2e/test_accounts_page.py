"""The accounts page: an administrator makes an account, a real phone registers with it, and is signed off again."""

import re

import pytest
from playwright.async_api import expect

from tests.e2e.browsing import dashboard
from tests.waiting import wait_until
from vqm_local.phone import PhoneError, phone_in

pytestmark = pytest.mark.e2e


def row_of(page, name):
    return page.locator(f'[data-testid="account-row"][data-name="{name}"]')


@pytest.mark.usefixtures("phones")
async def test_an_account_made_on_the_page_is_good_for_a_phone_until_it_is_deleted(system, rest, browser, tmp_path):
    async with dashboard(browser, system.url) as admin, phone_in(tmp_path / "phone") as phone:
        page = admin.page
        await page.get_by_role("link", name="Accounts").click()
        await page.get_by_test_id("new-account").fill("workshop")
        await page.get_by_role("button", name="Create").click()
        password = await page.get_by_test_id("made-password").inner_text()
        await wait_until(
            lambda: registers(phone, system.server, "workshop", password), "the proxy knows it", within_s=1
        )
        await wait_until(lambda: device_state(rest, "workshop", "registered"), "the phone is seen as registered")

        await page.reload()
        await expect(row_of(page, "workshop").locator(".chip.on")).to_have_text("1")
        await expect(page.get_by_test_id("made-password")).to_have_count(0)
        await row_of(page, "workshop").get_by_role("button", name="Delete").click()
        await row_of(page, "workshop").get_by_role("button", name="Delete", exact=True).click()
        await expect(row_of(page, "workshop")).to_have_count(0)
        await wait_until(lambda: device_state(rest, "workshop", "unregistered"), "the phone is signed off", within_s=3)


async def test_a_table_is_checked_and_imported_and_leads_to_the_set_up_page(system, browser, tmp_path):
    bad, good = tmp_path / "bad.csv", tmp_path / "good.csv"
    bad.write_text("name,max_calls\nattic,many\n")
    good.write_text("name;users\nattic;0571234567\n")
    async with dashboard(browser, system.url, "it-IT") as admin:
        page = admin.page
        await page.get_by_role("link", name="Account").click()
        await page.get_by_test_id("import-file").set_input_files(bad)
        await page.get_by_role("button", name="Controlla").click()
        await expect(page.get_by_test_id("import-errors")).to_contain_text(re.compile("riga 2.*max_calls"))

        await page.get_by_test_id("import-file").set_input_files(good)
        await page.get_by_role("button", name="Controlla").click()
        await expect(page.get_by_test_id("import-outcome")).to_contain_text("1 nuovi, 0 da modificare")
        await page.get_by_role("button", name="Importa").click()
        await expect(page.get_by_test_id("made-password")).to_have_text(re.compile("[a-z0-9]{20}"))
        await row_of(page, "attic").get_by_role("link", name="Configura").click()

        await expect(page.get_by_test_id("setup-help")).to_contain_text("0571234567")
        await expect(page.get_by_test_id("setup-help")).to_contain_text("attic")


async def registers(phone, server, user, password):
    try:
        await phone.account(server, user, password)
    except PhoneError:
        return False
    return True


async def device_state(rest, user, state):
    devices = await rest.items("registrations")
    return any(device["aor"].startswith(f"{user}@") and device["state"] == state for device in devices)
