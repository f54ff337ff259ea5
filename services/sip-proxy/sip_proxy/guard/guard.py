"""The guard: one answer to "is this message read at all?", and what is learnt from each that was.

Who is banned. Over UDP anybody can write any sender into a packet, so a ban must never be a weapon against a gateway:

- a scanner over TCP or TLS, and who fails to sign in again and again, is banned when his address is proven: by the
  connection, or by an answer to a challenge that was sent to it;
- a scanner over UDP is banned too, unless somebody has signed in from that address within the last 30 days;
- a port that has signed in goes on, whatever else comes from its address; it loses that by failing itself;
- a trusted network is never banned; an operator's own ban (in Redis) is above all of this.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from shared.events import Event, FloodDetected, RequestBadFormat, ScannerDetected
from sip_proxy.auth import Challenged
from sip_proxy.effects import Flow
from sip_proxy.facts import facts_of
from sip_proxy.guard.bans import Bans
from sip_proxy.guard.bursts import Bursts
from sip_proxy.guard.challenges import Challenges
from sip_proxy.guard.flood import Allowance, Excess, FloodGate
from sip_proxy.guard.known import KnownSources
from sip_proxy.guard.offences import Offences
from sip_proxy.guard.scanners import ScannerSigns
from sip_proxy.guard.sources import Network, Networks, source_of
from sip_proxy.sip.message import Request

BAD_FORMAT_WINDOW_S = 1.0
FLOOD_WINDOW_S = 10.0
_VERSION = b"SIP/2.0"
_WHY: dict[Excess, str] = {
    "source": "too many messages from one address",
    "strangers": "too many messages from all unknown addresses together",
    "us": "more messages than we can read in time",
}


@dataclass(frozen=True, slots=True)
class Rules:
    """What an operator may set."""

    stranger: Allowance
    strangers: Allowance
    trusted: Sequence[Network]
    scanner_agents: Sequence[str]
    ban_s: float
    ban_after_failures: int
    known_remote_s: float  # how long a port that signed in is treated as that of a friend
    instance: str


@dataclass(frozen=True, slots=True)
class Dropped:
    """Not a word to the sender."""

    events: Sequence[Event] = ()


_SILENTLY = Dropped()


class Guard:
    """Decides from the message and the time alone; `ban_list.py` keeps the bans of all replicas equal."""

    def __init__(self, rules: Rules) -> None:
        self.bans = Bans(rules.instance, rules.ban_s)
        self.known = KnownSources(rules.known_remote_s)
        self.counters: Counter[str] = Counter()
        self._trusted = Networks(rules.trusted)
        self._gate = FloodGate(rules.stranger, rules.strangers, self.known, self._trusted)
        self._signs = ScannerSigns(rules.scanner_agents)
        self._challenges = Challenges()
        self._offences = Offences(rules.ban_after_failures)
        self._floods = Bursts(_flood, FLOOD_WINDOW_S)
        self._bad_formats = Bursts(_bad_format, BAD_FORMAT_WINDOW_S)

    def screen(self, octets: bytes, flow: Flow, now: float) -> Dropped | None:
        """Before a message is read: None lets it in. Runs for every datagram of a flood."""
        remote = flow.remote
        source = source_of(remote.host)
        ban = self.bans.get(source)
        if ban is not None and (ban.is_operators or not self.known.has_remote(remote, now)):
            self.counters["dropped_banned"] += 1
            return _SILENTLY
        excess = self._gate.excess_of(source, remote, now)
        return None if excess is None else self._too_much(excess, octets, flow, now)

    def overrun(self, octets: bytes, flow: Flow, now: float) -> Dropped:
        """A stranger's message that was let in, but cannot be read in time."""
        return self._too_much("us", octets, flow, now)

    def _too_much(self, excess: Excess, octets: bytes, flow: Flow, now: float) -> Dropped:
        self.counters["dropped_flood"] += 1
        told: Sequence[Event]
        if _VERSION in octets:
            told = self._floods.note(flow, _WHY[excess], now, None if excess == "source" else excess)
        else:  # garbage is told as such however much of it there is
            told = self.malformed("no SIP", flow, now)
        return Dropped(told) if told else _SILENTLY

    def inspect(self, request: Request, flow: Flow, now: float) -> Dropped | None:
        """Before a request is answered: None for an honest one."""
        sign = self._signs.sign_of(request)
        source = source_of(flow.remote.host)
        if sign is None or source in self._trusted:
            return None
        self.counters["dropped_scanner"] += 1
        event = ScannerDetected(**facts_of(request, flow, now), reason=sign)
        forgeable = not flow.reliable and self.known.has_source(source, now)
        return Dropped([event] if forgeable else [event, *self.bans.ban(source, flow, f"scanner: {sign}", now)])

    def is_friend(self, flow: Flow, now: float) -> bool:
        """Whether what we send there goes to somebody who wants it."""
        return self.is_trusted(flow) or self.known.has_remote(flow.remote, now)

    def is_trusted(self, flow: Flow) -> bool:
        """Whether an operator vouches for this network."""
        return source_of(flow.remote.host) in self._trusted

    def malformed(self, reason: str, flow: Flow, now: float) -> Sequence[RequestBadFormat]:
        """A message that is no SIP."""
        self.counters["malformed"] += 1
        return self._bad_formats.note(flow, reason[:256], now)

    def signed_in(self, flow: Flow, now: float) -> None:
        """Somebody has proven over this flow who he is."""
        self.known.signed_in(source_of(flow.remote.host), flow.remote, now)

    def challenged(self, challenged: Challenged, flow: Flow, now: float) -> Sequence[Event]:
        """Somebody is asked for credentials, perhaps as those that he gave were wrong."""
        source = source_of(flow.remote.host)
        self._challenges.gave(challenged.nonce, source)
        if not challenged.is_failure or source in self._trusted:
            return ()
        if not flow.reliable and not self._challenges.proves(challenged.answered, source):
            return ()
        if not self._offences.failed(source, now):
            return ()
        self.known.forget_remote(flow.remote)
        return self.bans.ban(source, flow, "too many failed sign-ins", now)

    def due(self, now: float) -> Sequence[Event]:
        """The sums of the bursts that are over. To be asked once a second."""
        self._gate.forget_idle(now)
        return [*self._bad_formats.due(now), *self._floods.due(now)]


def _flood(flow: Flow, reason: str, now: float, count: int) -> FloodDetected:
    return FloodDetected(at=now, source=str(flow.remote), transport=flow.transport, reason=reason, count=count)


def _bad_format(flow: Flow, reason: str, now: float, count: int) -> RequestBadFormat:
    return RequestBadFormat(at=now, source=str(flow.remote), transport=flow.transport, reason=reason, count=count)
