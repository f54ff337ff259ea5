"""Failed sign-ins, counted by the source that made them."""

from collections import OrderedDict

WINDOW_S = 600.0
MAX_SOURCES = 10_000  # the one that began longest ago goes first


class Offences:
    """Says when it is enough. Only for sources that are proven: any other could be somebody else's address."""

    def __init__(self, limit: int) -> None:
        """`limit`: failures within ten minutes."""
        self._limit = limit
        self._counts: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def failed(self, source: str, now: float) -> bool:
        """One more failure; True when that was one too many."""
        since, count = self._counts.get(source, (now, 0))
        if now - since > WINDOW_S:
            since, count = now, 0
        if count + 1 >= self._limit:
            self._counts.pop(source, None)
            return True
        self._counts[source] = since, count + 1
        if len(self._counts) > MAX_SOURCES:
            self._counts.popitem(last=False)
        return False
