"""What is live now: a fold of the events in memory, and what of it changed since somebody last asked. No I/O.

It holds the calls that live, those that ended within the last minutes, and the devices. Every api process has its own,
fed by a tail of the streams, so that any number of them shows the same.
"""

from collections import OrderedDict, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import get_args

from api.devices import Device, DeviceEvent, DeviceKey, DeviceState, fold_device
from api.fold import Call, Fact, facts_of, fold
from api.quality import Direction, directions_of
from api.shapes import CAPTURE_UNDER_WAY, CallView, CaptureView, Delta, Flag, LiveSlice, RegistrationView, Snapshot
from api.views import call_view, flags, live_slice, registration_view
from shared.events import CallJudged, Event, Party, Slice, StreamReport

ENDED_KEPT_S = 900.0
CALLS_SHOWN = 200
SECONDS_KEPT = 120  # of each call; older ones are in the database as rows of five seconds
FORGET_AFTER_S = 86_400.0  # a live call or a gone device that nobody mentions for a day
GONE_REMEMBERED = 10_000
SWEEP_S = 1.0


@dataclass(slots=True)
class _Tracked:
    call: Call
    directions: Mapping[Party, Direction]
    seconds: deque[Slice] = field(default_factory=lambda: deque(maxlen=2 * SECONDS_KEPT))  # two directions
    shown_flags: list[Flag] = field(default_factory=list)

    def view(self, now: float) -> CallView:
        view = call_view(self.call.signalling, self.directions, now)
        self.shown_flags = view.flags
        return view


class LiveState:
    """The live view. `now` is epoch seconds."""

    def __init__(self, calls: Mapping[str, Call], devices: Iterable[Device], now: float) -> None:
        self._calls = {call_id: _Tracked(call, directions_of(call.streams.values())) for call_id, call in calls.items()}
        self._devices = {device.key: device for device in devices}
        self._shown_states = {key: device.state(now) for key, device in self._devices.items()}
        self._gone: OrderedDict[str, None] = OrderedDict()
        self._changed_calls: set[str] = set()
        self._changed_devices: set[DeviceKey] = set()
        self._removed: list[str] = []
        self._slices: list[LiveSlice] = []
        self._captures: dict[str, CaptureView] = {}
        self._changed_captures: dict[str, CaptureView] = {}
        self._removed_captures: list[str] = []
        self._swept_at = now
        self.seq = 0

    def apply(self, event: Event) -> None:
        """Takes one event in."""
        if isinstance(event, get_args(DeviceEvent)):
            key = event.aor, event.contact
            self._devices[key] = fold_device(self._devices.get(key), event)
            self._changed_devices.add(key)
            return
        for call_id, fact in facts_of(event):
            self._apply_fact(call_id, fact)

    def changes(self, now: float) -> Delta | None:
        """What changed since the last time, through events or because time passed; None: nothing."""
        if now - self._swept_at >= SWEEP_S:
            self._sweep(now)
        if not (
            self._changed_calls
            or self._changed_devices
            or self._removed
            or self._slices
            or self._changed_captures
            or self._removed_captures
        ):
            return None
        self.seq += 1
        delta = Delta(
            seq=self.seq,
            at=now,
            calls=[self._calls[call_id].view(now) for call_id in self._changed_calls],
            removed=self._removed,
            registrations=[self._show_device(key, now) for key in self._changed_devices],
            slices=self._slices,
            captures=list(self._changed_captures.values()),
            captures_removed=self._removed_captures,
        )
        self._changed_calls, self._changed_devices, self._removed, self._slices = set(), set(), [], []
        self._changed_captures, self._removed_captures = {}, []
        return delta

    def snapshot(self, now: float) -> Snapshot:
        """Every live call, the newest ended ones as far as there is room, and the devices."""
        live = [tracked for tracked in self._calls.values() if tracked.call.signalling.ended_at is None]
        ended = [tracked for tracked in self._calls.values() if tracked.call.signalling.ended_at is not None]
        ended.sort(key=_started_at, reverse=True)
        shown = sorted(live + ended[: max(0, CALLS_SHOWN - len(live))], key=_started_at, reverse=True)
        return Snapshot(
            seq=self.seq,
            at=now,
            calls=[call_view(tracked.call.signalling, tracked.directions, now) for tracked in shown],
            registrations=[registration_view(device, now) for device in self._devices.values()],
            captures=list(self._captures.values()),
        )

    def show_capture(self, capture: CaptureView) -> None:
        """A capture as it stands now."""
        if capture.state in CAPTURE_UNDER_WAY:
            self._captures[capture.capture_id] = capture
        else:
            self._captures.pop(capture.capture_id, None)
        self._changed_captures[capture.capture_id] = capture

    def forget_capture(self, capture_id: str) -> None:
        """A capture that was deleted."""
        self._captures.pop(capture_id, None)
        self._changed_captures.pop(capture_id, None)
        self._removed_captures.append(capture_id)

    def seconds(self, call_id: str) -> list[Slice]:
        """The newest one-second slices of a live call, in the order of their arrival."""
        tracked = self._calls.get(call_id)
        if tracked is None or tracked.call.signalling.ended_at is not None:
            return []
        return list(tracked.seconds)

    def _apply_fact(self, call_id: str, fact: Fact) -> None:
        measured = isinstance(fact, Slice | StreamReport)
        if (measured or isinstance(fact, CallJudged)) and call_id in self._gone:
            return  # the last figures of a call that has left the view
        tracked = self._calls.get(call_id)
        call = fold(tracked.call if tracked else None, call_id, fact)
        if tracked is None:
            tracked = self._calls[call_id] = _Tracked(call, {})
        tracked.call = call
        if measured:
            tracked.directions = directions_of(call.streams.values())
        if isinstance(fact, Slice):
            tracked.seconds.append(fact)
            self._slices.append(live_slice(fact))
        self._changed_calls.add(call_id)

    def _show_device(self, key: DeviceKey, now: float) -> RegistrationView:
        view = registration_view(self._devices[key], now)
        self._shown_states[key] = view.state
        return view

    def _sweep(self, now: float) -> None:
        """What the passing of time changes."""
        self._swept_at = now
        ended: list[tuple[float, str]] = []
        for call_id, tracked in list(self._calls.items()):
            call = tracked.call.signalling
            if call.ended_at is not None:
                ended.append((call.ended_at, call_id))
            elif now - call.last_seen_at > FORGET_AFTER_S:
                self._remove(call_id)
            elif flags(call, tracked.directions, now) != tracked.shown_flags:
                self._changed_calls.add(call_id)
        ended.sort(reverse=True)
        for rank, (ended_at, call_id) in enumerate(ended):
            if rank >= CALLS_SHOWN or now - ended_at > ENDED_KEPT_S:
                self._remove(call_id)
        self._sweep_devices(now)

    def _sweep_devices(self, now: float) -> None:
        for key, device in list(self._devices.items()):
            state: DeviceState = device.state(now)
            if state != self._shown_states.get(key):
                self._changed_devices.add(key)
            elif state != "registered" and now - device.seen_at > FORGET_AFTER_S:
                del self._devices[key], self._shown_states[key]
                self._changed_devices.discard(key)

    def _remove(self, call_id: str) -> None:
        del self._calls[call_id]
        self._changed_calls.discard(call_id)
        self._removed.append(call_id)
        self._gone[call_id] = None
        if len(self._gone) > GONE_REMEMBERED:
            self._gone.popitem(last=False)


def _started_at(tracked: _Tracked) -> float:
    return tracked.call.signalling.started_at
