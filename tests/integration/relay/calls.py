"""What the tests of the relay say again and again: calls, what was counted, what was reported."""

import time

from rtp_analyzer.measure.slices import build_report
from rtp_analyzer.taps.relay import Closed, Relay
from shared.events import MediaAssigned, MediaLeg, MediaUpdated, StreamReport
from shared.testing import AT, media_assigned
from tests.waiting import wait_until

ALICE_SSRC = 0xA11CE
BOB_SSRC = 0xB0B
PROOF = 4  # packets after which a source is certain


def call(*legs: MediaLeg, mode: str = "relay", **changes: object) -> MediaAssigned:
    return media_assigned(legs=legs, mode=mode, **changes)


def updated(media: MediaAssigned, *legs: MediaLeg) -> MediaUpdated:
    return MediaUpdated.model_validate({**media.model_dump(exclude={"type"}), "at": AT + 1, "legs": legs})


async def counted(relay: Relay, name: str, count: int) -> None:
    """Waits until a counter of the relay has this value."""
    await wait_until(lambda: relay.counters()[name] == count, f"{name} = {count}, is {relay.counters()[name]}")


def reports(closed: Closed) -> dict[int, StreamReport]:
    """The final report of each stream, by SSRC."""
    return {int(cut.slice["ssrc"]): build_report(cut.slice, cut.context, None) for cut in closed.cuts}


def wall_ns() -> int:
    return time.time_ns()
