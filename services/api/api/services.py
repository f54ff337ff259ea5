"""Which services live: those that beat now, those that did before, and those that should. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from api.shapes import Time
from shared.health import Heartbeat

EXPECTED = ("api", "rtp-analyzer", "sip-proxy")


@dataclass(frozen=True, slots=True)
class ServiceView:
    """A service; the instance is null when none was ever heard."""

    service: str
    instance: str | None
    alive: bool
    at: Time | None
    started_at: Time | None
    counters: dict[str, float]


class ServiceWatch:
    """Remembers the last heartbeat of each instance since this process began."""

    def __init__(self) -> None:
        self._last: dict[tuple[str, str], Heartbeat] = {}

    def observe(self, heartbeats: Iterable[Heartbeat]) -> list[ServiceView]:
        """The services, given those that beat now."""
        now = {(beat.service, beat.instance): beat for beat in heartbeats}
        self._last.update(now)
        views = [
            ServiceView(beat.service, beat.instance, key in now, beat.at, beat.started_at, beat.counters)
            for key, beat in self._last.items()
        ]
        heard = {view.service for view in views}
        views += [ServiceView(service, None, False, None, None, {}) for service in EXPECTED if service not in heard]
        return sorted(views, key=lambda view: (view.service, view.instance or ""))
