"""Token buckets: how many messages a source may send before anybody reads them."""

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Literal

from sip_proxy.effects import Address
from sip_proxy.guard.known import KnownSources
from sip_proxy.guard.sources import Networks

# How much more than a stranger may send: any port of an address from which somebody has signed in (an office behind one
# NAT), and the very port that did (nothing real comes near, a loop of ours or his does).
KNOWN_SOURCE_FACTOR = 10
KNOWN_REMOTE_FACTOR = 100
# Sources can be forged. When so many are remembered, the one that began longest ago starts anew with a full bucket;
# what all strangers together may send is limited beside that.
MAX_BUCKETS = 20_000

Excess = Literal["source", "strangers", "us"]


@dataclass(frozen=True, slots=True)
class Allowance:
    """Messages a second for ever, and at once."""

    rate: float
    burst: float

    def __mul__(self, factor: float) -> "Allowance":
        return Allowance(self.rate * factor, self.burst * factor)


class Bucket:
    """What is left of an allowance."""

    __slots__ = ("allowance", "at", "tokens")

    def __init__(self, allowance: Allowance, now: float) -> None:
        self.allowance = allowance
        self.tokens = allowance.burst
        self.at = now

    def take(self, now: float) -> bool:
        """Whether one more is within the allowance."""
        allowance = self.allowance
        # a clock that is set back must not empty the bucket
        tokens = min(allowance.burst, self.tokens + max(0.0, now - self.at) * allowance.rate)
        self.at = now
        if tokens < 1.0:
            self.tokens = tokens
            return False
        self.tokens = tokens - 1.0
        return True

    def is_full(self, now: float) -> bool:
        """Whether it is as good as a new one."""
        return self.tokens + (now - self.at) * self.allowance.rate >= self.allowance.burst


class FloodGate:
    """One bucket for each stranger and each address of friends, and one for all strangers together."""

    def __init__(self, stranger: Allowance, strangers: Allowance, known: KnownSources, trusted: Networks) -> None:
        """`stranger`: of one unknown source; `strangers`: of all of them, so that forged sources gain nothing."""
        self._stranger = stranger
        self._known_source = stranger * KNOWN_SOURCE_FACTOR
        self._known_remote = stranger * KNOWN_REMOTE_FACTOR
        self._known = known
        self._trusted = trusted
        self._buckets: OrderedDict[Hashable, Bucket] = OrderedDict()
        self._strangers = strangers
        self._crowd: Bucket | None = None  # begins with the first message

    def __len__(self) -> int:
        return len(self._buckets)

    def excess_of(self, source: str, remote: Address, now: float) -> Excess | None:
        """Counts one message: None lets it in, else whose limit it is beyond. This runs for every one of a flood."""
        if source in self._trusted:
            return None
        if self._known.has_remote(remote, now):
            return None if self._bucket(remote, self._known_remote, now).take(now) else "source"
        if self._known.has_source(source, now):
            return None if self._bucket(source, self._known_source, now).take(now) else "source"
        if not self._bucket(source, self._stranger, now).take(now):
            return "source"
        if self._crowd is None:
            self._crowd = Bucket(self._strangers, now)
        return None if self._crowd.take(now) else "strangers"

    def forget_idle(self, now: float) -> None:
        """Lets go of the buckets that are full again. Once a second is often enough."""
        for key in [key for key, bucket in self._buckets.items() if bucket.is_full(now)]:
            del self._buckets[key]

    def _bucket(self, key: Hashable, allowance: Allowance, now: float) -> Bucket:
        bucket = self._buckets.get(key)
        if bucket is None or bucket.allowance is not allowance:
            if len(self._buckets) >= MAX_BUCKETS:
                self._buckets.popitem(last=False)
            bucket = self._buckets[key] = Bucket(allowance, now)
        return bucket
