"""What is known of a call and of a registration, as values folded from the events of the phone's process."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Registration:
    """The last answer to a REGISTER. `code` 200 with `expires_s` 0 is the end of a registration."""

    code: int
    reason: str
    expires_s: int


@dataclass(frozen=True, slots=True)
class CallState:
    """What is known of a call. Times are epoch seconds, of the moment the phone saw it."""

    call_id: str
    state: str = "new"  # calling, incoming, early, connecting, confirmed, ended (softphone.STATES)
    code: int = 0
    reason: str = ""
    remote: str | None = None
    codec: str | None = None
    recording: Path | None = None
    answered_at: float | None = None
    ended_at: float | None = None

    @property
    def answered(self) -> bool:
        return self.answered_at is not None

    @property
    def ended(self) -> bool:
        return self.ended_at is not None


def after(state: CallState, event: Mapping[str, Any]) -> CallState:
    """The call after one more event of the phone's process."""
    match event["event"]:
        case "media":
            return replace(state, codec=event["codec"], recording=Path(event["recording"]))
        case "incoming":
            return replace(state, state="incoming", remote=event["remote"])
        case "call_state":
            state = replace(state, state=event["state"], code=event["code"], reason=event["reason"])
            if state.state == "confirmed":
                return replace(state, answered_at=event["at"])
            if state.state == "ended":
                return replace(state, ended_at=event["at"])
    return state
