"""The timer values of RFC 3261 Table 4, as one value that tests may shrink."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timers:
    """All in seconds."""

    t1: float = 0.5  # RFC 3261 17.1.1.1: round-trip time estimate
    t2: float = 4.0  # RFC 3261 17.1.2.2: longest interval between retransmissions
    t4: float = 5.0  # RFC 3261 17.1.2.2: how long a message stays in the network
    d: float = 32.0  # RFC 3261 17.1.1.2: wait for retransmitted final responses, at least 32 s on UDP
    c: float = 180.0  # RFC 3261 16.6 step 11: longest silence of a branch that rings

    @property
    def transaction(self) -> float:
        """64*T1: timers B, F, H, J, L and M, and how long a 2xx waits for its ACK (13.3.1.4)."""
        return 64 * self.t1
