"""Two phones send RTCP of their own: what it tells reaches the page of their call."""

import asyncio

import pytest

from tests.waiting import wait_until
from vqm_local.phone import phone_in

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("phones")]

# A phone reports every 5 s or so (RFC 3550 6.2), and what it reports on must have been reported before.
REPORTS_WITHIN_S = 30
# On loopback; PJSIP reads its clock in milliseconds, and the machine is busy.
NEAR_MS = 100


@pytest.mark.timeout(120)
async def test_the_delay_between_two_phones_and_what_each_hears_is_told(system, rest, tmp_path):
    async with phone_in(tmp_path / "caller") as caller, phone_in(tmp_path / "callee") as callee:
        await asyncio.gather(
            caller.account(system.server, "gateway-test", "TestMonitor123"),
            callee.account(system.server, "welcome-gw", "WelcomeGW456"),
            caller.play(440),
            callee.play(1000),
            callee.answer_all(),
        )
        await wait_until(lambda: registered(rest, "welcome-gw"), "the callee is registered")
        call = await caller.call(f"sip:welcome-gw@{system.server}")
        await call.answered()
        await wait_until(
            lambda: delay_known(rest, call.call_id), "both directions have a delay", within_s=REPORTS_WITHIN_S
        )
        await call.hangup()

        ended = await wait_until(lambda: rest.ended_call(call.call_id), "the call is stored")
        for direction in ended["directions"].values():
            assert direction["delay_source"] == "rtcp"
            assert 0 <= direction["rtt_ms"] < NEAR_MS
            assert direction["delay_ms"] == pytest.approx(direction["rtt_ms"] / 2)


async def registered(rest, user):
    devices = await rest.items("registrations")
    return any(device["aor"].startswith(f"{user}@") and device["state"] == "registered" for device in devices)


async def delay_known(rest, call_id):
    directions = (await rest.call(call_id))["directions"]
    return all(directions[party]["delay_ms"] is not None for party in ("caller", "callee"))
