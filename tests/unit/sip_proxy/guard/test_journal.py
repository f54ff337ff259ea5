"""The lines that fail2ban reads."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from shared.events import SECURITY, ChallengeSent, Event, InvalidPassword, SourceBanned, SuccessfulAuth
from shared.testing import RecordingOutbox
from sip_proxy.guard.journal import LINES, Journal
from tests.unit.sip_proxy.builders import AT

FACTS: dict[str, Any] = {"at": AT, "source": "203.0.113.9:5060", "transport": "udp"}


SECURITY_PAGE = Path(__file__).parents[4] / "docs" / "security.md"
WRITE_A_BAN = """
import sys
from shared.events import SECURITY, SourceBanned
from shared.logs import set_up
from sip_proxy.guard.journal import Journal
set_up("sip-proxy", sys.argv[1], "info")
ban = SourceBanned(at=0, source="[2001:db8::9]:5060", transport="tcp", reason="scanner: User-Agent sipcli", until=600)
Journal(lambda stream, event: None).publish(SECURITY, ban)
"""


def lines_of(*events: Event) -> list[Any]:
    outbox = RecordingOutbox()
    journal = Journal(outbox.put)
    with capture_logs() as lines:
        for event in events:
            journal.publish(SECURITY, event)
    assert outbox.events == list(events)
    return lines


def test_a_failure_is_a_line_with_its_host() -> None:
    [line] = lines_of(InvalidPassword(**FACTS, method="REGISTER", account="alice"))

    assert line == {
        "event": "security event",
        "log_level": "warning",
        "host": "203.0.113.9",
        "type": "InvalidPassword",
        "transport": "udp",
        "method": "REGISTER",
        "user": "'alice'",
    }


def test_what_the_sender_wrote_comes_last_and_cannot_look_like_a_host() -> None:
    [line] = lines_of(InvalidPassword(**FACTS, account="x' host=192.0.2.1\n\x1b[31m"))

    assert sorted(line)[-1] == "user"
    assert line["user"] == '"x\' host=192.0.2.1\\n\\x1b[31m"'


@pytest.mark.parametrize("kind", [ChallengeSent, SuccessfulAuth])
def test_everyday_events_make_no_line(kind: type[ChallengeSent] | type[SuccessfulAuth]) -> None:
    assert lines_of(kind(**FACTS)) == []


def test_a_flood_of_events_does_not_fill_the_disk_but_bans_are_written() -> None:
    flood = [InvalidPassword(**FACTS) for _ in range(5000)]
    ban = SourceBanned(**FACTS, reason="too many failed sign-ins", until=AT + 600)

    lines = lines_of(*flood, ban)

    assert len(lines) == LINES.burst + 2
    assert lines[-2]["events"] == 5000 - LINES.burst
    assert lines[-1]["type"] == "SourceBanned"


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_fail2ban_finds_the_host_with_the_patterns_of_our_page(log_format: str) -> None:
    patterns = re.search(r"failregex = (.*)\n +(.*)\n", SECURITY_PAGE.read_text())
    assert patterns is not None

    written = subprocess.run(
        [sys.executable, "-c", WRITE_A_BAN, log_format], capture_output=True, text=True, check=True
    )

    found = [re.search(pattern.replace("<HOST>", r"(\S+?)"), written.stderr) for pattern in patterns.groups()]
    assert [match[1] for match in found if match] == ["2001:db8::9"], written.stderr
