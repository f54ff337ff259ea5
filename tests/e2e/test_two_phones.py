"""Two registered phones call each other through the relay."""

import asyncio

import pytest

from tests.waiting import wait_until
from vqm_local.phone import phone_in

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("phones")]

ENOUGH_PACKETS = 150


async def test_each_phone_hears_the_other_and_both_directions_are_measured(system, rest, tmp_path):
    async with phone_in(tmp_path / "caller") as caller, phone_in(tmp_path / "callee") as callee:
        await asyncio.gather(
            caller.account(system.server, "gateway-test", "TestMonitor123"),
            callee.account(system.server, "welcome-gw", "WelcomeGW456"),
            caller.play(440),
            callee.play(1000),
            callee.answer_all(),
        )
        await wait_until(lambda: registered(rest, {"gateway-test", "welcome-gw"}), "both phones are registered")

        call = await caller.call(f"sip:welcome-gw@{system.server}")
        await call.answered()
        answer = await callee.ringing()
        await wait_until(lambda: tones(call, answer) == [1000, 440], "each phone hears the other's tone")
        await wait_until(lambda: both_directions(rest, call.call_id), "both directions are measured")
        sent, received = await call.counts(), await answer.counts()
        # An ear of another make. Its full scale is 2^15, ours the highest code: 32256 in A-law.
        ears = {"caller": answer.heard(0.5).level_dbov, "callee": call.heard(0.5).level_dbov}
        await call.hangup()

        assert (sent["lost"], received["lost"]) == (0, 0)
        report = await wait_until(lambda: rest.ended_call(call.call_id), "the call is stored")
        assert report["hangup_by"] == "caller"
        for party, direction in report["directions"].items():
            assert direction["packets_lost"] == 0
            assert direction["mos"] == pytest.approx(4.41, abs=0.005)
            assert direction["codec"] == "PCMA"
            assert direction["ptime_ms"] == pytest.approx(20)
            assert direction["audio"]["active_level_dbov"] == pytest.approx(ears[party] + 0.14, abs=0.3)
            assert (direction["audio"]["source"], direction["audio"]["clipping_percent"]) == ("g711", 0)
        assert set(report["flags"]) <= {"monitor_impaired"}  # the machine of a test may be busy


async def registered(rest, users):
    devices = await rest.items("registrations")
    return users <= {device["aor"].partition("@")[0] for device in devices if device["state"] == "registered"}


def tones(*calls):
    heard = [call.heard(0.5) for call in calls]
    return [round(sound.frequency_hz) for sound in heard if sound.frequency_hz is not None and sound.purity > 0.99]


async def both_directions(rest, call_id):
    directions = (await rest.call(call_id))["directions"]
    return all((directions[party]["packets_received"] or 0) > ENOUGH_PACKETS for party in ("caller", "callee"))
