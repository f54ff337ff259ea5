"""The session timer of a call with an extension (RFC 4028): a value of its record, so that it outlives a process."""

from shared.events import Value

_RETRY_S = 5.0
_EARLY_S = 32.0  # RFC 4028 10: the BYE goes that much, or a third of the interval, before the session expires


class SessionTimer(Value):
    """Who refreshes until when. Times are seconds since 1970."""

    interval_s: int
    refresh_at: float | None  # by us; None: the caller refreshes
    hang_up_at: float  # unless it is refreshed before

    @classmethod
    def started(cls, interval_s: int, now: float, *, we_refresh: bool) -> "SessionTimer":
        """From the 2xx on that grants the interval; who refreshes does so after half of it (RFC 4028 10)."""
        return cls(
            interval_s=interval_s,
            refresh_at=now + interval_s / 2 if we_refresh else None,
            hang_up_at=now + interval_s - min(_EARLY_S, interval_s / 3),
        )

    def attempted(self, now: float) -> "SessionTimer":
        """A refresh is on its way; should it fail, the next follows halfway to the end."""
        return self.model_copy(update={"refresh_at": now + max(_RETRY_S, (self.hang_up_at - now) / 2)})

    @property
    def deadline(self) -> float:
        return self.hang_up_at if self.refresh_at is None else min(self.refresh_at, self.hang_up_at)
