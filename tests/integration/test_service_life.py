"""How a service lives and dies, as its process manager sees it; and its heartbeat, as the others see it."""

import asyncio
import contextlib
import signal
import subprocess
import sys

import pytest

from shared.broker import State, connect
from shared.health import PREFIX, alive, beat
from shared.testing import AT
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

PROGRAM = """
import asyncio
from shared.service import run
from shared.settings import CommonSettings

async def main():
    print("up", flush=True)
    {body}

run("example", CommonSettings(log_format="json"), main)
"""


def start(body: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM.format(body=body)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_service_after_it_has_cleaned_up(number):
    process = start("""
    try:
        await asyncio.Event().wait()
    finally:
        print("cleaned up", flush=True)
    """)
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"

    process.send_signal(number)

    output, logged = process.communicate(timeout=10)
    assert (process.returncode, output) == (0, "cleaned up\n")
    assert '"event": "stopped"' in logged


def test_a_bug_ends_a_service_with_its_traceback():
    process = start("raise ZeroDivisionError('a bug')")

    _, logged = process.communicate(timeout=10)

    assert process.returncode == 1
    assert "ZeroDivisionError: a bug" in logged


async def test_a_heartbeat_is_heard_and_survives_the_loss_of_the_broker(broker_process):
    client = connect(broker_process.url)
    state = State(client)
    beating = asyncio.ensure_future(beat(state, "example", "one", lambda: {"calls_total": 7}, lambda: AT))

    async def heard():
        return await alive(state)

    (heartbeat,) = await wait_until(heard, "a heartbeat")
    assert (heartbeat.service, heartbeat.instance, heartbeat.counters) == ("example", "one", {"calls_total": 7})

    broker_process.stop()
    broker_process.start()
    await wait_until(heard, "a heartbeat after the broker came back")

    beating.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await beating
    await client.aclose()


async def test_a_malformed_heartbeat_hides_no_other(broker):
    client = connect(broker.url)
    state = State(client)
    await state.put(f"{PREFIX}broken:one", "{}", 60)
    await state.put(f"{PREFIX}fine:one", '{"service":"fine","instance":"one","at":1,"started_at":1}', 60)

    assert [heartbeat.service for heartbeat in await alive(state)] == ["fine"]

    await client.flushdb()
    await client.aclose()
