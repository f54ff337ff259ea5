"""One log line for each security event that an operator, or fail2ban, may want to act on (docs/security.md)."""

from collections.abc import Callable

import structlog

from shared.events import SECURITY, ChallengeSent, Event, SourceBanned, Stream, SuccessfulAuth
from sip_proxy.effects import Address
from sip_proxy.guard.flood import Allowance, Bucket

log = structlog.get_logger(__name__)

# An attack with forged senders makes events of many sources; the disk is not to be its victim.
LINES = Allowance(rate=20, burst=200)


class Journal:
    """Passes all events on, and writes lines about some."""

    def __init__(self, publish: Callable[[Stream, Event], None]) -> None:
        self._publish = publish
        self._lines: Bucket | None = None
        self._unwritten = 0

    def publish(self, stream: Stream, event: Event) -> None:
        # every phone is challenged before it signs in: that is no news
        if stream is SECURITY and not isinstance(event, ChallengeSent | SuccessfulAuth):
            self._write(event)
        self._publish(stream, event)

    def _write(self, event: Event) -> None:
        self._lines = self._lines or Bucket(LINES, event.at)
        if not self._lines.take(event.at) and not isinstance(event, SourceBanned):
            self._unwritten += 1
            return
        if self._unwritten:
            log.warning("security events not logged, there were too many", events=self._unwritten)
            self._unwritten = 0
        facts = event.model_dump(include={"transport", "type", "method", "reason", "count"}, exclude_none=True)
        account = getattr(event, "account", None)
        # Keys are sorted on a console: what the sender wrote must come after the host, or it could name another one.
        user = {} if account is None else {"user": ascii(account)}
        log.warning("security event", host=Address.parse(getattr(event, "source", ":0")).host, **facts, **user)
