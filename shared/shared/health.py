"""Heartbeats: each service says once a second that it lives, with its counters; whoever asks sees who does not."""

import asyncio
from collections.abc import Callable, Mapping

import structlog
from pydantic import Field, ValidationError

from shared.broker import BrokerLost, State
from shared.events import Value

log = structlog.get_logger(__name__)

PREFIX = "vqm:heartbeat:"
INTERVAL_S = 1.0
TTL_S = 5.0


class Heartbeat(Value):
    """What `vqm:heartbeat:<service>:<instance>` holds."""

    service: str
    instance: str
    at: float
    started_at: float
    counters: dict[str, float] = Field(default_factory=dict, description="totals since the start, by metric name")


async def beat(
    state: State,
    service: str,
    instance: str,
    counters: Callable[[], Mapping[str, float]],
    now: Callable[[], float],
) -> None:
    """Beats until cancelled, through every loss of the broker."""
    started_at = now()
    while True:
        heartbeat = Heartbeat(
            service=service, instance=instance, at=now(), started_at=started_at, counters=dict(counters())
        )
        try:
            await state.put(f"{PREFIX}{service}:{instance}", heartbeat.model_dump_json(), TTL_S)
        except BrokerLost as error:
            log.warning("heartbeat not written", error=str(error))
        await asyncio.sleep(INTERVAL_S)


async def alive(state: State) -> list[Heartbeat]:
    """The services that beat within the last seconds.

    Raises:
        BrokerLost: nobody can be heard.
    """
    found = []
    async for _, text in state.scan(PREFIX):
        try:
            found.append(Heartbeat.model_validate_json(text))
        except ValidationError as error:
            log.warning("malformed heartbeat", error=str(error))
    return sorted(found, key=lambda heartbeat: (heartbeat.service, heartbeat.instance))
