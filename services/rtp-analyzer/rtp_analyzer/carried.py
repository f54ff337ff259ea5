"""What a worker had counted of a running stream before it was started again: the totals go on from there. Pure.

Packets that came while nobody listened are in no count, as if media had been suspended: no network lost them.
"""

from collections.abc import Iterable
from typing import Final

import numpy as np

from rtp_analyzer.measure.state import BUFFERS
from shared.events import Slice, SlicesMeasured

# SLICE's columns, and what they are called in `Measures`.
_COUNTS: Final = {
    "expected": "packets_expected",
    "received": "packets_received",
    "duplicates": "duplicates",
    "reordered": "reordered",
    "octets": "bytes_received",
}


class Carried:
    """The last slices of an earlier run of this worker, by medium, direction and SSRC."""

    def __init__(self) -> None:
        self._last: dict[tuple[str, str, int], Slice] = {}

    def remember(self, worker: str, events: Iterable[SlicesMeasured]) -> None:
        """Takes what this worker published before; oldest first."""
        for event in events:
            if event.worker == worker:
                self._last.update({(part.media_id, part.direction, part.ssrc): part for part in event.slices})

    def forget(self, media_id: str) -> None:
        """The medium is closed."""
        self._last = {key: part for key, part in self._last.items() if key[0] != media_id}

    def add(self, record: np.void, media_id: str, direction: str, ended: bool) -> None:
        """Adds what was counted before to the totals of a SLICE record of the same stream, for the last time if it
        has ended."""
        if not self._last:
            return
        key = (media_id, direction, int(record["ssrc"]))
        before = self._last.pop(key, None) if ended else self._last.get(key)
        if before is None:
            return
        for column, name in _COUNTS.items():
            record[f"total_{column}"] += getattr(before.total, name)
        record["total_unique"] += before.total.packets_expected - before.total.packets_lost
        for buffer in before.total.buffers or ():
            record["total_discarded"][BUFFERS.index(buffer.name)] += buffer.packets_discarded
        if before.loss_runs is not None:
            record["losses"]["run_lengths"] += np.array(before.loss_runs, np.int64)
        record["events"] += before.events_received
        record["comfort_noise"] += before.comfort_noise_received
        record["steps"] += before.timestamp_steps
        if before.total.jitter_max_ms is not None:
            record["total_jitter_max_s"] = np.fmax(record["total_jitter_max_s"], before.total.jitter_max_ms / 1000)
