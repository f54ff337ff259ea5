"""Every scenario, against our proxy and, where it makes sense there, against Kamailio."""

import asyncio
import shutil
from collections.abc import Iterator
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest
from _pytest.mark import ParameterSet

from shared.events import CallEnded, CallStarted, Event
from tests.acceptance.catalogue import Scenario, all_scenarios
from tests.acceptance.playing import Played, play
from tests.acceptance.targets import Target, call_events, kamailio, monitor
from tests.conftest import BrokerProcess
from tests.ports import free_port
from tests.requirements import require_program
from tests.waiting import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(150)]

KAMAILIO = ("kamailio", "kamailio", "/usr/sbin/kamailio")  # program, package, and where it is for who is not root
AT_ONCE = 6  # SIPp mostly waits

Play = tuple[Scenario, str, str]  # against which target, over which transport


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What became of the chosen plays, and what our proxy told of their calls."""

    played: dict[tuple[str, str, str], Played]
    ended: dict[str, CallEnded]
    still_open: set[str]

    def record(self, call_id: str) -> str | None:
        """How the call ended, in the words of targets.toml."""
        ended = self.ended.get(call_id)
        return None if ended is None else f"{ended.hangup_by} {ended.final_code}"


def _plays() -> list[ParameterSet]:
    plays = []
    for scenario in all_scenarios():
        for transport in scenario.transports:
            plays.append(pytest.param(scenario, "monitor", transport, id=f"{scenario.name}-{transport}"))
        if scenario.ours_only is None:
            plays.append(pytest.param(scenario, "kamailio", "udp", id=f"{scenario.name}-kamailio"))
    return plays


@pytest.fixture(scope="module")
def outcomes(
    request: pytest.FixtureRequest, broker: BrokerProcess, tmp_path_factory: pytest.TempPathFactory
) -> Outcomes:
    """All chosen scenarios are played, several at a time, before the first one is judged."""
    require_program("sipp", "sip-tester")
    plays = [play for item in request.session.items for play in _plays_of(item)]
    return asyncio.run(_play_all(plays, broker, tmp_path_factory.mktemp("acceptance")))


@pytest.mark.parametrize(("scenario", "target", "transport"), _plays())
def test_scenario(outcomes: Outcomes, scenario: Scenario, target: str, transport: str) -> None:
    if target == "kamailio":
        require_program(*KAMAILIO)
    played = outcomes.played[scenario.name, target, transport]
    assert played.failure is None, f"{scenario.clause}: {scenario.behaviour}\n{played.failure}"
    if target == "monitor" and scenario.record is not None:
        assert outcomes.record(played.call_id) == scenario.record


def test_every_call_that_began_has_ended(outcomes: Outcomes) -> None:
    assert outcomes.still_open == set()


def _plays_of(item: pytest.Item) -> Iterator[Play]:
    if isinstance(item, pytest.Function) and item.function is test_scenario:
        yield cast(Play, tuple(item.callspec.params[name] for name in ("scenario", "target", "transport")))


async def _play_all(plays: list[Play], broker: BrokerProcess, folder: Path) -> Outcomes:
    turn = asyncio.Semaphore(AT_ONCE)
    async with AsyncExitStack() as running:
        targets = await _start(broker, folder, running)

        async def outcome(scenario: Scenario, target: str, transport: str) -> Played:
            async with turn:
                return await play(scenario, targets[target], folder / target / transport / scenario.name, transport)

        runnable = [one for one in plays if one[1] in targets]
        played = await asyncio.gather(*(outcome(*one) for one in runnable))
        ended, still_open = await _ends(broker)
    return Outcomes(
        {(one[0].name, *one[1:]): what for one, what in zip(runnable, played, strict=True)}, ended, still_open
    )


async def _start(broker: BrokerProcess, folder: Path, running: AsyncExitStack) -> dict[str, Target]:
    proxies = [monitor(broker, all_scenarios(), free_port(), folder)]
    if program := shutil.which(KAMAILIO[0]) or shutil.which(KAMAILIO[2]):
        proxies.append(kamailio(program, free_port(), folder))
    targets = [await running.enter_async_context(proxy) for proxy in proxies]
    return {target.name: target for target in targets}


async def _ends(broker: BrokerProcess) -> tuple[dict[str, CallEnded], set[str]]:
    """The ends of all calls, once every one of them has its own; and those that got none."""
    told: list[Event] = []

    async def all_ended() -> bool:
        told[:] = await call_events(broker)
        return not _open(told)

    with suppress(pytest.fail.Exception):
        await wait_until(all_ended, "the end of every call", within_s=5)
    return {event.call_id: event for event in told if isinstance(event, CallEnded)}, _open(told)


def _open(told: list[Event]) -> set[str]:
    begun = {event.call_id for event in told if isinstance(event, CallStarted)}
    return begun - {event.call_id for event in told if isinstance(event, CallEnded)}
