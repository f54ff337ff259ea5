"""How long a wrong password is made to wait, and when no more are tried. Pure: the time is an argument."""

import ipaddress
from collections import Counter, OrderedDict

FIRST_DELAY_S = 0.25
LONGEST_DELAY_S = 4.0
FORGET_AFTER_S = 300.0
FAILURES_MAX = 20  # of a source or of a user; no more are tried until it has been quiet for a while
KEPT = 10_000  # sources, and users
AT_ONCE = 4  # sign-ins of one source that may wait at the same time


def source_of(address: str) -> str:
    """The address; of IPv6 its /64, within which a customer may change it as he likes (RFC 6177)."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return address
    return str(parsed.ipv4_mapped or ipaddress.ip_network((parsed, 64), strict=False))


class Throttle:
    """Failed sign-ins by source and by user. Each further failure waits twice as long; after many, nothing is tried
    until five minutes have been quiet. Users that there are not count like all others.

    Whoever guesses from many sources must not keep the user out: where he has signed in before, he still can.
    """

    def __init__(self) -> None:
        self._sources = _Failures()
        self._users = _Failures()
        self._known: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._waiting: Counter[str] = Counter()

    def enter(self, source: str, username: str, now: float) -> float | None:
        """Seconds after which this may be tried; None: now, and `leave` must follow."""
        if self._waiting[source] >= AT_ONCE:
            return LONGEST_DELAY_S
        wait = self._sources.wait(source, now)
        if (username, source) not in self._known:
            wait = max(wait, self._users.wait(username, now))
        if wait > 0:
            return wait
        self._waiting[source] += 1
        return None

    def leave(self, source: str) -> None:
        self._waiting[source] -= 1
        if not self._waiting[source]:
            del self._waiting[source]

    def failed(self, source: str, username: str, now: float) -> float:
        """Seconds to wait before the answer to this failure."""
        self._users.add(username, now)
        failures = self._sources.add(source, now)
        return float(min(LONGEST_DELAY_S, FIRST_DELAY_S * 2 ** (failures - 1)))

    def succeeded(self, source: str, username: str) -> None:
        """Remembers where the user signs in. It forgives nothing: who knows one password may be guessing another."""
        self._known[username, source] = None
        self._known.move_to_end((username, source))
        if len(self._known) > KEPT:
            self._known.popitem(last=False)


class _Failures:
    """How many there have been, and when the latest was."""

    def __init__(self) -> None:
        self._latest: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def wait(self, key: str, now: float) -> float:
        failures, latest = self._latest.get(key, (0, now))
        return max(0.0, latest + FORGET_AFTER_S - now) if failures >= FAILURES_MAX else 0.0

    def add(self, key: str, now: float) -> int:
        failures, latest = self._latest.pop(key, (0, now))
        failures = 1 if now - latest > FORGET_AFTER_S else failures + 1
        self._latest[key] = failures, now
        if len(self._latest) > KEPT:
            self._latest.popitem(last=False)
        return failures
