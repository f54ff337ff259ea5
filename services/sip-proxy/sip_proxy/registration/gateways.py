"""Whether a registered contact lives, from the answers to its probes, with hysteresis. Pure."""

import zlib
from dataclasses import dataclass
from typing import Literal

from shared.events import Value


@dataclass(frozen=True, slots=True)
class Patience:
    """After how many probes in a row we believe it."""

    down_after: int = 3
    up_after: int = 2


class Gateway(Value):
    """What `vqm:gateway:<aor>:<contact>` holds, so that a restart of ours changes nothing."""

    aor: str
    contact: str
    state: Literal["unknown", "up", "down"] = "unknown"
    in_a_row: int = 0  # probes that spoke against `state`
    probed_at: float | None = None
    answered_at: float | None = None
    rtt_ms: float | None = None

    def answered(self, at: float, rtt_ms: float | None, patience: Patience) -> "Gateway":
        """After an answer. One is enough for a contact that we know nothing about."""
        needed = patience.up_after if self.state == "down" else 1
        return self._after("up", needed, {"probed_at": at, "answered_at": at, "rtt_ms": rtt_ms})

    def lost(self, at: float, patience: Patience) -> "Gateway":
        """After a probe without an answer."""
        return self._after("down", patience.down_after, {"probed_at": at, "rtt_ms": None})

    def _after(self, spoken_for: Literal["up", "down"], needed: int, seen: dict[str, float | None]) -> "Gateway":
        against = 0 if self.state == spoken_for else self.in_a_row + 1
        state, in_a_row = (spoken_for, 0) if against >= needed else (self.state, against)
        return self.model_copy(update={**seen, "state": state, "in_a_row": in_a_row})


def is_due(name: str, after: float, until: float, interval_s: float) -> bool:
    """Whether a probe falls into this time. Each name has its own moments, so that not all are probed at once."""
    phase = zlib.crc32(name.encode("utf-8", "surrogateescape")) / 2**32 * interval_s
    return (until - phase) // interval_s > (after - phase) // interval_s
