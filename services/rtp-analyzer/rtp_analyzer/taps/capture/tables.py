"""The streams of a capture while it is read: their records, how room is made for more, and what they end as."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, isfinite
from typing import Final

import numpy as np
from numpy.typing import NDArray

from rtp_analyzer.measure.formats import format_table, known_formats
from rtp_analyzer.measure.slices import StreamContext
from rtp_analyzer.measure.state import SLICE, STREAM
from rtp_analyzer.measure.stream import break_segment, cut_slice
from rtp_analyzer.taps.capture.calls import Endpoint
from rtp_analyzer.taps.capture.keys import new_keys, put_endpoint, put_flows
from rtp_analyzer.taps.capture.layout import FLOW
from rtp_analyzer.taps.capture.take import MOVES, STREAMS, new_formats
from rtp_analyzer.taps.capture.worst import WorstSlices
from shared.events.media import PayloadFormat

FIRST_ROOM: Final = 256
MAX_STREAMS: Final = 16_384  # at once
MAX_FORMATS: Final = 4096  # different ways to number payload types
SLICES_AT_ONCE: Final = 4096
# To make room: what never proved itself in this time will not, and what was silent so long is reported as it is.
UNPROVEN_NS: Final = 5_000_000_000
SILENT_NS: Final = 300_000_000_000

UNKNOWN: Final = "-"  # what a StreamContext demands, and a CapturedStream replaces

Host = tuple[int, int]  # an address in two words


@dataclass(frozen=True, slots=True)
class FinishedStream:
    """A stream that is over: its record, its last cut, the lowest MOS of its slices."""

    flow: np.void
    cut: np.void
    mos_min: float | None
    context: StreamContext
    source: Endpoint | None
    target: Endpoint | None


class StreamTables:
    """The arrays that `scan` works on. `endpoints` is the growing list of what SDP named."""

    def __init__(self, seed: int, endpoints: Sequence[Endpoint]) -> None:
        self.seed = seed
        self.endpoints = endpoints
        self.meanings: list[StreamContext] = []
        self._rows: dict[tuple[tuple[PayloadFormat, ...], bool], int] = {}
        self._hosts: list[Host] = []
        self._worst_slices = WorstSlices(self.meanings)
        self.finished: list[FinishedStream] = []
        self.formats = new_formats(16)
        self.endpoint_formats = np.zeros(64, np.int64)
        self.slices = np.zeros(SLICES_AT_ONCE, SLICE)
        self.slice_flows = np.zeros(SLICES_AT_ONCE, np.int64)
        self.slice_count = np.zeros(1, np.int64)
        self.used = np.zeros(2, np.int64)
        self.flows = np.zeros(FIRST_ROOM, FLOW)
        self.streams = np.zeros(FIRST_ROOM, STREAM)
        self.worst = np.full(FIRST_ROOM, inf)
        self._row_of((), encrypted=False)  # row 0: what RFC 3551 says
        self._rebuild_keys()

    def make_room(self, now_ns: int) -> bool:
        """Lets go of what is over, else grows; false when all that there may be are in use."""
        self.judge_slices()
        count = int(self.used[STREAMS])
        flows = self.flows[:count]
        age_ns = now_ns - flows["last_ns"]
        proven = flows["proven"] != 0
        gone = np.where(proven, (flows["retired"] != 0) | (age_ns > SILENT_NS), age_ns > UNPROVEN_NS)
        if count == MAX_STREAMS and gone.sum() < count // 8:
            # Noise that looks like RTP may not keep real streams out.
            gone |= ~proven & (age_ns >= np.median(age_ns))
        if gone.any():
            self._let_go(gone)
        if self.used[STREAMS] > len(self.flows) // 2:
            self._grow(min(2 * len(self.flows), MAX_STREAMS))
        self._rebuild_keys()
        return bool(self.used[STREAMS] < len(self.flows))

    def judge_slices(self) -> None:
        """Takes in the slices that were cut."""
        count = int(self.slice_count[0])
        if count:
            flows = self.slice_flows[:count]
            self._worst_slices.add(self.slices[:count], self.flows["formats"][flows], flows, self.worst)
            self.slice_count[0] = 0

    def finish_all(self) -> None:
        """The file is over."""
        self.judge_slices()
        self._let_go(np.ones(int(self.used[STREAMS]), np.bool_))

    def describe(self, endpoint: Endpoint, host: Host, *, is_new: bool, suspended: bool) -> None:
        """Takes in what SDP says of an end. A new one takes over a port whose last call is over."""
        row = endpoint.row
        if row >= len(self.endpoint_formats):
            self.endpoint_formats = np.concatenate([self.endpoint_formats, np.zeros_like(self.endpoint_formats)])
        self.endpoint_formats[row] = self._row_of(endpoint.media.formats, encrypted=endpoint.media.encrypted)
        if is_new:
            self._hosts.append(host)
            if self._keys_needed() > len(self.keys):
                self._rebuild_keys()
            put_endpoint(self.keys, self.seed, *host, endpoint.media.port, row)
        flows = self.flows[: self.used[STREAMS]]
        for end, other in (("target", "source"), ("source", "target")):
            here = _at(flows, end, host, endpoint.media.port)
            if not here.any():
                continue
            flows["retired"][here & (flows["over"] != 0)] |= is_new
            # A stream that began before its SDP.
            flows[f"{end}_endpoint"][here & (flows[f"{end}_endpoint"] < 0)] = row
            flows["proven"][here] = 1
            mine = here & (flows[f"{end}_endpoint"] == row)
            flows["formats"][mine & ((end == "target") | (flows[f"{other}_endpoint"] < 0))] = self.endpoint_formats[row]
            if suspended:
                for index in np.flatnonzero(mine):
                    break_segment(self.streams[index])

    def end(self, rows: Sequence[int]) -> None:
        """A call is over: what its streams still send is counted, no more. `rows` are its ends."""
        flows = self.flows[: self.used[STREAMS]]
        over = np.isin(flows["target_endpoint"], rows) | np.isin(flows["source_endpoint"], rows)
        flows["over"][over] = 1

    def _row_of(self, negotiated: tuple[PayloadFormat, ...], *, encrypted: bool) -> int:
        row = self._rows.get((negotiated, encrypted))
        if row is None:
            if len(self._rows) >= MAX_FORMATS:
                return 0
            row = self._rows[negotiated, encrypted] = len(self.meanings)
            formats = known_formats(negotiated)
            self.meanings.append(StreamContext(UNKNOWN, UNKNOWN, "caller", None, formats, encrypted=encrypted))
            if row >= len(self.formats):
                self.formats = np.concatenate([self.formats, new_formats(len(self.formats))])
            self.formats[row] = format_table(formats)
        return row

    def _let_go(self, gone: NDArray[np.bool_]) -> None:
        count = len(gone)
        for index in np.flatnonzero(gone):
            if self.flows[index]["proven"]:
                self.finished.append(self._finish(int(index)))
        kept = np.flatnonzero(~gone)
        for array in (self.flows, self.streams, self.worst):
            array[: len(kept)] = array[:count][kept]
        self.worst[len(kept) :] = inf
        self.used[STREAMS] = len(kept)

    def _finish(self, index: int) -> FinishedStream:
        flow = self.flows[index]
        last = np.zeros(1, SLICE)
        cut_slice(self.streams[index], int(flow["last_ns"]), last[0])
        self._worst_slices.add(last, flow["formats"].reshape(1), np.array([index]), self.worst)
        worst = float(self.worst[index])
        return FinishedStream(
            flow=flow.copy(),
            cut=last[0],
            mos_min=worst if isfinite(worst) else None,
            context=self.meanings[flow["formats"]],
            source=self._endpoint(flow["source_endpoint"]),
            target=self._endpoint(flow["target_endpoint"]),
        )

    def _endpoint(self, row: int) -> Endpoint | None:
        return self.endpoints[row] if row >= 0 else None

    def _grow(self, room: int) -> None:
        more = room - len(self.flows)
        self.flows = np.concatenate([self.flows, np.zeros(more, FLOW)])
        self.streams = np.concatenate([self.streams, np.zeros(more, STREAM)])
        self.worst = np.concatenate([self.worst, np.full(more, inf)])

    def _keys_needed(self) -> int:
        # Two for each stream, one for each move, one for each end; half of the table stays free.
        return 2 * (3 * len(self.flows) + len(self._hosts))

    def _rebuild_keys(self) -> None:
        self.keys = new_keys(1 << (2 * self._keys_needed() - 1).bit_length() - 1)
        self.used[MOVES] = 0
        for row, host in enumerate(self._hosts):
            put_endpoint(self.keys, self.seed, *host, self.endpoints[row].media.port, row)
        put_flows(self.keys, self.seed, self.flows, int(self.used[STREAMS]))


def _at(flows: NDArray[np.void], end: str, host: Host, port: int) -> NDArray[np.bool_]:
    at: NDArray[np.bool_] = (
        (flows[f"{end}_low"] == host[1]) & (flows[f"{end}_port"] == port) & (flows[f"{end}_high"] == host[0])
    )
    return at
