"""The layout of what is known about a stream: plain NumPy records, shared by compiled loops and Python. No logic."""

from typing import Final

import numpy as np

# What a payload type carries, for `observe`. Who opens the stream knows it from SDP (see formats.py).
VOICE: Final = 0
COMFORT_NOISE: Final = 1  # RFC 3389: part of the media clock, but no packet of the codec
EVENT: Final = 2  # RFC 4733: in sequence and loss, but all packets of an event carry its start as timestamp

NO_PAYLOAD_TYPE: Final = 255

# One stream (SSRC) of one direction. Sequence numbers are extended (64 bits, no wrap); `mark_*` is the state at the
# last cut, so that an interval is a difference and the packet path only counts totals.
STREAM: Final = np.dtype(
    [
        ("ssrc", np.uint32),
        ("open", np.uint8),  # 0: a free slot
        ("has_sequence", np.uint8),  # a packet came since open_stream
        ("segment_due", np.uint8),  # the next packet opens a new segment, whatever its number
        ("payload_type", np.uint8),  # of the last voice packet, else of the last one; or NO_PAYLOAD_TYPE
        ("clock_rate", np.uint32),  # of that payload type; 0: unknown
        # sequence and loss (RFC 3550 A.1, A.3)
        ("segments", np.uint32),
        ("base_sequence", np.int64),  # lowest and highest of the current segment
        ("max_sequence", np.int64),
        ("seen_low", np.uint64),  # bit i: max_sequence - i arrived
        ("seen_high", np.uint64),  # bit i: max_sequence - 64 - i arrived
        ("closed_expected", np.int64),  # expected in earlier segments
        ("received", np.int64),  # duplicates included
        ("unique", np.int64),
        ("duplicates", np.int64),
        ("reordered", np.int64),
        ("strays", np.int64),  # jumped, and nothing followed them: in no other count
        ("octets", np.int64),  # RTP payload
        # a packet that jumped: the first of a new segment if its successor follows
        ("candidate", np.int32),  # its sequence number, or -1
        ("candidate_kind", np.uint8),
        ("candidate_copies", np.int64),
        ("candidate_octets", np.int64),
        ("candidate_arrival_ns", np.int64),
        ("candidate_timestamp", np.uint32),
        ("candidate_clock_rate", np.uint32),
        # time (RFC 3550 A.8)
        ("first_arrival_ns", np.int64),
        ("last_arrival_ns", np.int64),
        ("media_arrival_ns", np.int64),  # the last packet with a media timestamp
        ("media_sequence", np.int64),
        ("media_timestamp", np.uint32),
        ("media_clock_rate", np.uint32),  # 0: no such packet yet
        ("media_paced", np.uint8),  # it was a whole voice packet: its distance to the next is the ptime
        ("jitter_samples", np.int64),
        ("jitter_s", np.float64),  # A.8 as written
        ("jitter_max_s", np.float64),
        ("steps", np.int64),  # timestamp steps of the sender, taken out of the steady jitter
        ("steady_jitter_s", np.float64),
        ("steady_jitter_max_s", np.float64),
        ("ptime_s", np.float64),  # a distance seen twice in a row; 0: unknown
        ("ptime_candidate", np.uint32),  # the last distance, in timestamp units
        # whole voice packets of the present payload type and ptime: what its bitrate is known from
        ("voice_packets", np.int64),
        ("voice_octets", np.int64),
        # the current slice
        ("mark_ns", np.int64),
        ("mark_base", np.int64),  # numbers in mark_base..mark_max belong to earlier slices
        ("mark_max", np.int64),
        ("mark_expected", np.int64),
        ("mark_received", np.int64),
        ("mark_unique", np.int64),
        ("mark_duplicates", np.int64),
        ("mark_reordered", np.int64),
        ("mark_octets", np.int64),
        ("mark_jitter_samples", np.int64),
        ("recovered", np.int64),  # arrived in this slice, were lost in an earlier one
        ("slice_jitter_max_s", np.float64),
    ],
    align=True,
)

# What `cut_slice` hands out: a slice and the stream so far, complete in itself. Unknown floats are NaN.
SLICE: Final = np.dtype(
    [
        ("ssrc", np.uint32),
        ("payload_type", np.uint8),
        ("clock_rate", np.uint32),
        ("ptime_ms", np.float64),
        ("voice_octets_mean", np.float64),  # payload octets of a whole voice packet
        ("segments", np.uint32),
        ("strays", np.int64),
        ("steps", np.int64),
        ("first_arrival_ns", np.int64),
        ("last_arrival_ns", np.int64),
        ("started_ns", np.int64),
        ("ended_ns", np.int64),
        ("interval_expected", np.int64),
        ("interval_received", np.int64),
        ("interval_unique", np.int64),  # of those expected in this slice: never more than interval_expected
        ("interval_recovered", np.int64),  # expected in an earlier slice, arrived in this one
        ("interval_duplicates", np.int64),
        ("interval_reordered", np.int64),
        ("interval_octets", np.int64),
        ("interval_jitter_s", np.float64),
        ("interval_jitter_max_s", np.float64),
        ("total_expected", np.int64),
        ("total_received", np.int64),
        ("total_unique", np.int64),
        ("total_duplicates", np.int64),
        ("total_reordered", np.int64),
        ("total_octets", np.int64),
        ("total_jitter_s", np.float64),
        ("total_jitter_max_s", np.float64),
        ("steady_jitter_s", np.float64),
        ("steady_jitter_max_s", np.float64),
    ],
    align=True,
)
