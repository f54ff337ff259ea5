"""The ban list: who is not answered at all, why, and until when. A copy of what Redis holds for all replicas."""

from collections.abc import Mapping

from pydantic import Field, ValidationError

from shared.events import SourceBanned, SourceUnbanned, Transport, Value
from sip_proxy.effects import Flow
from sip_proxy.guard.sources import source_of

MAX_BANS = 20_000  # whoever is not on a full list any more is still limited


class Ban(Value):
    """What `vqm:ban:<source>` holds when we wrote it. An operator may write any text: it is the reason then."""

    reason: str = Field(max_length=256)
    by: str = Field(default="operator", description="the proxy that decided")
    source: str = Field(default="", description="where the offence came from")
    transport: Transport = "udp"
    until: float | None = Field(default=None, description="seconds since 1970; an operator's ends with its key")

    @property
    def is_operators(self) -> bool:
        return self.until is None


class Bans:
    """This replica's copy, so that a flood never waits for Redis."""

    def __init__(self, instance: str, ban_s: float) -> None:
        self._instance = instance
        self._ban_s = ban_s
        self._bans: dict[str, Ban] = {}
        self.unwritten: dict[str, Ban] = {}  # decided here and not in Redis yet

    def __len__(self) -> int:
        return len(self._bans)

    def get(self, source: str) -> Ban | None:
        return self._bans.get(source)

    def ban(self, source: str, flow: Flow, reason: str, now: float) -> list[SourceBanned]:
        """Decides a ban; nothing for one who is banned already, or when the list is full."""
        if source in self._bans or len(self._bans) >= MAX_BANS:
            return []
        until = now + self._ban_s
        ban = Ban(reason=reason, by=self._instance, source=str(flow.remote), transport=flow.transport, until=until)
        self._bans[source] = self.unwritten[source] = ban
        return [SourceBanned(at=now, source=ban.source, transport=ban.transport, reason=reason, until=until)]

    def written(self, source: str) -> None:
        """Redis has it now."""
        self.unwritten.pop(source, None)

    def take(self, listed: Mapping[str, str], now: float) -> list[SourceUnbanned]:
        """Makes the copy equal to what Redis lists; tells of our own bans that are over or were lifted."""
        found: dict[str, Ban] = {}
        for name, text in listed.items():
            source = _source(name)
            if source is not None and len(found) < MAX_BANS:
                found[source] = _ban(text)
        found |= self.unwritten
        return self._replace(found, now)

    def expire(self, now: float) -> list[SourceUnbanned]:
        """While Redis is away."""
        return self._replace(dict(self._bans), now)

    def _replace(self, bans: dict[str, Ban], now: float) -> list[SourceUnbanned]:
        before, self._bans = self._bans, {s: ban for s, ban in bans.items() if ban.until is None or ban.until > now}
        self.unwritten = {source: ban for source, ban in self.unwritten.items() if source in self._bans}
        return [
            SourceUnbanned(at=now, source=ban.source, transport=ban.transport, reason=_why_over(ban, now))
            for source, ban in before.items()
            if source not in self._bans and ban.by == self._instance and not ban.is_operators
        ]


def _why_over(ban: Ban, now: float) -> str:
    return "the time is over" if ban.until is not None and ban.until <= now else "lifted"


def _source(name: str) -> str | None:
    try:
        return source_of(name.partition("/")[0].strip("[]"))
    except OSError:
        return None


def _ban(text: str) -> Ban:
    try:
        return Ban.model_validate_json(text)
    except ValidationError:
        return Ban(reason=text[:256])
