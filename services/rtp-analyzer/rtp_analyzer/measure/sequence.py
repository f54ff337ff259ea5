"""Where a packet stands in its stream's sequence, and what that says about loss: RFC 3550 A.1 and A.3, compiled."""

from typing import Final

import numba
import numpy as np

from rtp_analyzer.compiled import compiled
from rtp_analyzer.measure.bursts import judge, judge_lost, part
from rtp_analyzer.measure.state import EVENT, LOSSES, SEEN, STREAM, WINDOW

# What became of a packet.
FRESH: Final = 0  # a sequence number above all others
LATE: Final = 1  # fills a hole
DUPLICATE: Final = 2
STRAY: Final = 3  # jumped; whether it opens a segment, its successor will say
RESTARTED: Final = 4  # opened a new segment, or confirmed that the packet before did

MAX_DROPOUT: Final = 3000  # RFC 3550 A.1
MAX_MISORDER: Final = 100  # RFC 3550 A.1; the window of 128 covers it
SEQUENCE_NUMBERS: Final = 1 << 16

_PLACES: Final = WINDOW - 1

_STREAM: Final = numba.from_dtype(STREAM)
_LOSSES: Final = numba.from_dtype(LOSSES)
_VOID: Final = numba.void
_INT: Final = numba.int64  # of every integer: numba makes int64 with uint64 a float


@compiled(_INT(_STREAM))
def expected(stream: np.void) -> int:
    """Packets expected so far in all segments (RFC 3550 A.3)."""
    if stream["has_sequence"] == 0:
        return 0
    return stream["closed_expected"] + stream["max_sequence"] - stream["base_sequence"] + 1  # type: ignore[no-any-return]  # numpy fields are Any


@compiled(numba.boolean(_STREAM, _INT))
def in_slice(stream: np.void, number: int) -> bool:
    """Whether an extended sequence number is expected in the current slice, not in an earlier one."""
    return bool(number > stream["mark_max"] or number < stream["mark_base"])


@compiled(_VOID(_STREAM, _LOSSES))
def judge_window(stream: np.void, losses: np.void) -> None:
    """Book all numbers of the window as they are now."""
    if stream["has_sequence"] == 0:
        return
    highest = stream["max_sequence"]
    for number in range(max(highest - WINDOW + 1, stream["base_sequence"]), highest + 1):
        judge(losses, stream["window"][number & _PLACES], in_slice(stream, number))


@compiled(_VOID(_STREAM, _INT))
def _open_segment(stream: np.void, sequence: int) -> None:
    judge_window(stream, stream["losses"])
    part(stream["losses"])
    stream["closed_expected"] = expected(stream)
    stream["has_sequence"] = 1
    stream["segment_due"] = 0
    stream["segments"] += 1
    stream["base_sequence"] = sequence
    stream["max_sequence"] = sequence
    stream["window"][:] = 0
    stream["window"][sequence & _PLACES] = SEEN
    stream["mark_base"] = sequence
    stream["mark_max"] = sequence - 1
    stream["media_clock_rate"] = 0  # the timestamps of another segment say nothing about this one
    stream["candidate"] = -1


@compiled(_VOID(_STREAM, _INT))
def _advance(stream: np.void, steps: int) -> None:
    """Move the window up by `steps` >= 1, judge what leaves it, and mark the new highest number as seen."""
    window = stream["window"]
    for _ in range(min(steps, WINDOW)):
        number = stream["max_sequence"] + 1
        leaving = number - WINDOW
        if leaving >= stream["base_sequence"]:
            judge(stream["losses"], window[number & _PLACES], in_slice(stream, leaving))
        window[number & _PLACES] = 0
        stream["max_sequence"] = number
    if steps > WINDOW:
        # By now the window holds lost numbers alone.
        judge_lost(stream["losses"], steps - WINDOW)
        stream["max_sequence"] += steps - WINDOW
    window[stream["max_sequence"] & _PLACES] = SEEN


@compiled(numba.boolean(_STREAM, _INT))
def _see_again(stream: np.void, number: int) -> bool:
    """Mark a number of the window as seen; true when it already was."""
    window = stream["window"]
    known = window[number & _PLACES] != 0
    window[number & _PLACES] |= SEEN
    return bool(known)


@compiled(_VOID(_STREAM, _INT, _INT, _INT, _INT, _INT, _INT))
def _hold_candidate(
    stream: np.void, sequence: int, arrival_ns: int, timestamp: int, payload_bytes: int, clock_rate: int, kind: int
) -> None:
    """Set a packet aside that jumped. Until its successor comes it may be anybody's."""
    if stream["candidate"] == sequence:
        stream["candidate_copies"] += 1
        stream["candidate_octets"] += payload_bytes
    else:
        stream["candidate"] = sequence
        stream["candidate_copies"] = 1
        stream["candidate_octets"] = payload_bytes
        stream["candidate_arrival_ns"] = arrival_ns
        stream["candidate_timestamp"] = timestamp
        stream["candidate_clock_rate"] = clock_rate
        stream["candidate_kind"] = kind
    stream["strays"] += 1


@compiled(_VOID(_STREAM))
def _adopt_candidate(stream: np.void) -> None:
    """The packet set aside was the first of a new segment: count it as if it had just arrived."""
    copies = stream["candidate_copies"]
    sequence = stream["candidate"]
    _open_segment(stream, sequence)
    stream["strays"] -= copies
    stream["received"] += copies
    stream["duplicates"] += copies - 1
    stream["unique"] += 1
    stream["octets"] += stream["candidate_octets"]
    if stream["candidate_kind"] != EVENT and stream["candidate_clock_rate"] > 0:
        stream["media_arrival_ns"] = stream["candidate_arrival_ns"]
        stream["media_timestamp"] = stream["candidate_timestamp"]
        stream["media_clock_rate"] = stream["candidate_clock_rate"]
        stream["media_sequence"] = sequence
        stream["media_paced"] = 0


@compiled(_INT(_STREAM, _INT, _INT))
def _see_late(stream: np.void, back: int, payload_bytes: int) -> int:
    """Book a number `back` (1..99) below the highest."""
    stream["received"] += 1
    stream["octets"] += payload_bytes
    number = stream["max_sequence"] - back
    if _see_again(stream, number):
        stream["duplicates"] += 1
        return DUPLICATE
    stream["unique"] += 1
    stream["reordered"] += 1
    # The first packet to arrive need not be the first sent. Without this, received would outrun expected.
    stream["base_sequence"] = min(stream["base_sequence"], number)
    if not in_slice(stream, number):
        stream["recovered"] += 1
    return LATE


@compiled(_INT(_STREAM, _INT, _INT, _INT, _INT, _INT, _INT))
def book(
    stream: np.void, sequence: int, arrival_ns: int, timestamp: int, payload_bytes: int, clock_rate: int, kind: int
) -> int:
    """RFC 3550 A.1 without probation (SDP names the port): where the packet stands, and the counts of loss."""
    outcome = FRESH
    if stream["has_sequence"] == 0 or stream["segment_due"] != 0:
        _open_segment(stream, sequence)
        outcome = RESTARTED
    else:
        ahead = (sequence - stream["max_sequence"]) & (SEQUENCE_NUMBERS - 1)
        if ahead >= MAX_DROPOUT and ahead <= SEQUENCE_NUMBERS - MAX_MISORDER:
            if stream["candidate"] < 0 or sequence != ((stream["candidate"] + 1) & (SEQUENCE_NUMBERS - 1)):
                _hold_candidate(stream, sequence, arrival_ns, timestamp, payload_bytes, clock_rate, kind)
                return STRAY
            _adopt_candidate(stream)
            _advance(stream, 1)
            outcome = RESTARTED
        elif ahead >= MAX_DROPOUT:
            return _see_late(stream, SEQUENCE_NUMBERS - ahead, payload_bytes)
        elif ahead == 0:
            stream["received"] += 1
            stream["duplicates"] += 1
            stream["octets"] += payload_bytes
            return DUPLICATE
        else:
            _advance(stream, ahead)
    stream["received"] += 1
    stream["unique"] += 1
    stream["octets"] += payload_bytes
    return outcome
