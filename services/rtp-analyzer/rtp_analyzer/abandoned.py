"""Media that nobody will release: their release was lost with Redis's data. Pure.

The proxy ends silent calls long before; this is the last resort that keeps ports from staying open for ever.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from shared.events import MediaAssigned, MediaUpdated

SILENT_S: Final = 3600.0
HELD_S: Final = 86400.0  # a party on hold may be silent for as long as it likes, or nearly


class Silence:
    """Since when each medium has been silent, by packets alone: no clock that can be set decides."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[int, float]] = {}  # packets, and when there were fewer

    def abandoned(
        self, media: Mapping[str, MediaAssigned | MediaUpdated], heard: Mapping[str, int], at: float
    ) -> Iterator[MediaAssigned | MediaUpdated]:
        """The media without a packet for too long. `heard`: packets so far; `at`: monotonic seconds."""
        self._known = {media_id: known for media_id, known in self._known.items() if media_id in media}
        for media_id, medium in media.items():
            packets, since = self._known.setdefault(media_id, (heard[media_id], at))
            if packets != heard[media_id]:
                self._known[media_id] = (heard[media_id], at)
            elif at - since > (HELD_S if _on_hold(medium) else SILENT_S):
                yield medium


def _on_hold(media: MediaAssigned | MediaUpdated) -> bool:
    return any(not leg.sends or not leg.listens for leg in media.legs)
