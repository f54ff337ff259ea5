"""The sources from which somebody has signed in: floods and bans treat them with care."""

from sip_proxy.effects import Address
from sip_proxy.guard.expiring import Expiring

MAX_KNOWN = 50_000  # of each kind; only holders of an account get in here
# A gateway that was off for the holidays is still a friend: nobody may have it banned with forged packets meanwhile.
SOURCE_KEPT_S = 30 * 24 * 3600.0
RENEW_S = 24 * 3600.0  # how old the note in Redis may get


class KnownSources:
    """Addresses that have shown right credentials, and, for a shorter time, the very port that did."""

    def __init__(self, remote_kept_s: float) -> None:
        """`remote_kept_s`: at least as long as a registration, after which a friend shows his credentials again."""
        self._remote_kept_s = remote_kept_s
        self._sources: Expiring[str] = Expiring(MAX_KNOWN)
        self._remotes: Expiring[Address] = Expiring(MAX_KNOWN)
        self.unwritten: set[str] = set()  # sources whose note in Redis is missing or old

    def signed_in(self, source: str, remote: Address, now: float) -> None:
        """Right credentials came from there."""
        self._remotes.put(remote, now + self._remote_kept_s)
        if self._sources.until(source) < now + SOURCE_KEPT_S - RENEW_S:
            self.learn(source, now)
            self.unwritten.add(source)

    def learn(self, source: str, now: float) -> None:
        """Another replica has seen him, or our former self."""
        self._sources.put(source, now + SOURCE_KEPT_S)

    def has_source(self, source: str, now: float) -> bool:
        return self._sources.until(source) > now

    def has_remote(self, remote: Address, now: float) -> bool:
        return self._remotes.until(remote) > now

    def forget_remote(self, remote: Address) -> None:
        """It has lost its credit, and is any port of its address now."""
        self._remotes.drop(remote)
