"""The captures page: a file is uploaded in a browser, followed through its analysis, and its streams are shown."""

import pytest
from playwright.async_api import FilePayload, expect

from tests.capture_files import ALICE, BOB, on_ethernet, pcap, set_up, voice
from tests.e2e.browsing import dashboard

# In a fresh checkout the analysis compiles first.
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]
ANALYSED_MS = 200_000


def file(name: str, content: bytes) -> FilePayload:
    return {"name": name, "mimeType": "application/octet-stream", "buffer": content}


async def test_an_uploaded_capture_shows_its_streams_and_can_be_deleted(system, browser, rest):
    call = pcap(on_ethernet(set_up("one@call", ALICE, BOB), voice(100), voice(100, ssrc=7, source=BOB, target=ALICE)))
    async with dashboard(browser, system.url) as shown:
        page = shown.page
        await page.get_by_role("link", name="Captures").click()
        await page.get_by_test_id("capture-file").set_input_files(file("office.pcap", call))
        row = page.locator('[data-testid="capture-row"][data-name="office.pcap"]')

        await expect(row).to_have_attribute("data-state", "done", timeout=ANALYSED_MS)
        await row.get_by_role("link", name="office.pcap").click()
        report = page.get_by_test_id("capture-report")
        await expect(report).to_contain_text("alice@example.com calls bob@example.com")
        await expect(report.get_by_test_id("captured-stream")).to_have_count(2)
        await expect(report.get_by_test_id("captured-mos").first).to_have_text("4.41")
        await expect(report).to_contain_text("narrowband")

        await row.get_by_role("button", name="Delete").click()
        await row.get_by_role("button", name="Delete", exact=True).click()
        await expect(row).to_have_count(0)

    assert await rest.items("captures") == []


async def test_a_file_that_is_no_capture_is_told_in_words(system, browser):
    async with dashboard(browser, system.url, "it-IT") as shown:
        page = shown.page
        await page.get_by_role("link", name="Catture").click()

        await page.get_by_test_id("capture-file").set_input_files(file("lettera.docx", b"Gentile cliente"))

        row = page.locator('[data-testid="capture-row"][data-name="lettera.docx"]')
        await expect(row).to_have_attribute("data-state", "failed", timeout=ANALYSED_MS)
        await expect(row.get_by_test_id("capture-error")).to_contain_text("is no capture")
