"""How long a wrong password is made to wait. Pure: the time is an argument."""

from collections import Counter, OrderedDict

FIRST_DELAY_S = 0.25
LONGEST_DELAY_S = 4.0
FORGET_AFTER_S = 300.0
ADDRESSES = 10_000
AT_ONCE = 4  # sign-ins of one address that may wait at the same time


class Throttle:
    """Failed sign-ins by address. Each further failure waits twice as long; five quiet minutes forgive all."""

    def __init__(self) -> None:
        self._failures: OrderedDict[str, tuple[int, float]] = OrderedDict()
        self._waiting: Counter[str] = Counter()

    def enter(self, address: str) -> bool:
        """Whether this address may try now; if so, `leave` must follow."""
        if self._waiting[address] >= AT_ONCE:
            return False
        self._waiting[address] += 1
        return True

    def leave(self, address: str) -> None:
        self._waiting[address] -= 1
        if not self._waiting[address]:
            del self._waiting[address]

    def failed(self, address: str, now: float) -> float:
        """Seconds to wait before the answer to this failure."""
        failures, latest = self._failures.pop(address, (0, now))
        failures = 0 if now - latest > FORGET_AFTER_S else failures
        self._failures[address] = failures + 1, now
        if len(self._failures) > ADDRESSES:
            self._failures.popitem(last=False)
        return float(min(LONGEST_DELAY_S, FIRST_DELAY_S * 2 ** min(failures, 10)))

    def succeeded(self, address: str) -> None:
        self._failures.pop(address, None)
