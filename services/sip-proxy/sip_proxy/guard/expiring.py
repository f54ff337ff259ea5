"""A bounded memory of keys that are good until a given time: when it is full, the one renewed longest ago goes."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)


class Expiring(Generic[Key]):
    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._until: OrderedDict[Key, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._until)

    def put(self, key: Key, until: float) -> None:
        self._until[key] = until
        self._until.move_to_end(key)
        if len(self._until) > self._limit:
            self._until.popitem(last=False)

    def until(self, key: Key) -> float:
        """0 for one that is not there."""
        return self._until.get(key, 0.0)

    def drop(self, key: Key) -> None:
        self._until.pop(key, None)

    def expire(self, now: float) -> list[Key]:
        """Forgets what is over, and says what that was."""
        over = [key for key, until in self._until.items() if until <= now]
        for key in over:
            del self._until[key]
        return over
