"""`make demo` in a real browser, and `make run` after it on the same data."""

import asyncio
from datetime import datetime

import pytest
from playwright.async_api import expect

from tests.e2e.browsing import dashboard, number
from tests.e2e.running import prepared_system
from tests.waiting import wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120), pytest.mark.usefixtures("phones")]

WITHIN_A_MINUTE_S = 60.0
LIVE_WITHIN_S = 3.0
ENOUGH_PACKETS = 400  # 8 s: every 20th of them is exactly 5 %


async def test_the_demo_shows_a_clean_and_an_impaired_call_that_a_restart_keeps(browser):
    with prepared_system() as system:
        await asyncio.to_thread(system.start, "demo")
        async with system.rest() as rest, dashboard(browser, system.url) as page:
            clean, impaired = await asyncio.gather(
                *(answered_call(rest, caller) for caller in ("gateway-test", "gateway-monitor"))
            )
            for call in (clean, impaired):
                shown_at = await page.first_number_at(call["call_id"], "caller")
                answered_at = datetime.fromisoformat(call["answered_at"]).timestamp()
                assert shown_at - answered_at < LIVE_WITHIN_S

            await wait_until(lambda: enough_of(rest, impaired), "eight seconds are measured", within_s=20)
            row = page.row(clean["call_id"], "live")
            await expect(row.get_by_test_id("call-mos-caller")).to_have_text("4.41")
            await expect(row.get_by_test_id("call-loss-caller")).to_have_text("0.0%")
            row = page.row(impaired["call_id"], "live")
            assert await number(row.get_by_test_id("call-loss-caller")) == pytest.approx(5.0, abs=0.3)
            await expect(row.get_by_test_id("call-loss-callee")).to_have_text("0.0%")
            await expect(row.get_by_test_id("call-mos-callee")).to_have_text("4.41")

            await page.open_call(impaired["call_id"])
            lost = page.page.get_by_test_id("finding").filter(has_text="is lost between the caller and this system")
            await expect(lost).to_have_count(1)
            await expect(page.page.get_by_test_id("buffers")).to_have_count(2)
            await page.page.evaluate("location.hash = '#/'")

            await asyncio.to_thread(system.stop)
            await asyncio.to_thread(system.start, "run")

            for call in (clean, impaired):
                assert (await rest.call(call["call_id"]))["directions"]["caller"]["packets_expected"] > ENOUGH_PACKETS
            await page.page.reload()
            row = page.row(clean["call_id"], "ended")
            await expect(row.get_by_test_id("call-mos-caller")).to_have_text("4.41")
            await expect(row.get_by_test_id("call-loss-caller")).to_have_text("0.0%")
            row = page.row(impaired["call_id"], "ended")
            assert await number(row.get_by_test_id("call-loss-caller")) == pytest.approx(5.0, abs=0.3)
            await expect(row.get_by_test_id("call-loss-callee")).to_have_text("0.0%")


async def answered_call(rest, caller):
    async def ask():
        calls = await rest.items("calls", state="live")
        return next((call for call in calls if call["caller"].startswith(caller) and call["answered_at"]), None)

    return await wait_until(ask, f"{caller} is in a call", within_s=WITHIN_A_MINUTE_S)


async def enough_of(rest, call):
    directions = (await rest.call(call["call_id"]))["directions"]
    return all((directions[party]["packets_expected"] or 0) > ENOUGH_PACKETS for party in ("caller", "callee"))
