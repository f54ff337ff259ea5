"""The layout of what is known about a stream: plain NumPy records, shared by compiled loops and Python. No logic."""

from typing import Final

import numpy as np

from shared.events.metrics import BufferName

# What a payload type carries, for `observe`. Who opens the stream knows it from SDP (see formats.py).
VOICE: Final = 0
COMFORT_NOISE: Final = 1  # RFC 3389: part of the media clock, but no packet of the codec
EVENT: Final = 2  # RFC 4733: in sequence and loss, but all packets of an event carry its start as timestamp

NO_PAYLOAD_TYPE: Final = 255

WINDOW: Final = 128  # sequence numbers that may still arrive; RFC 3550 A.1 (MAX_MISORDER) takes none beyond 99

# What is known of a number in the window: it arrived, and bit i: too late for de-jitter buffer i.
SEEN: Final = 0x80

BUFFERS: Final[tuple[BufferName, ...]] = ("fixed50", "fixed200", "adaptive500")
# Loss is followed once for each buffer, with what that buffer discards, and once as the network alone left it.
NETWORK: Final = len(BUFFERS)
MAX_RUN: Final = 10  # runs of so many numbers or more are counted together

# The structure of what is missing (see bursts.py), in numbers of the sequence. Bursts and gaps: RFC 3611 4.7.2.
RUNS: Final = np.dtype(
    [
        ("missing", np.int64),
        ("runs", np.int64),  # of numbers missing one after another
        ("run", np.int64),  # length of the one that may go on
        ("slice_runs", np.int64),  # the same among the numbers of the current slice
        ("slice_run_open", np.uint8),
        ("present", np.int64),  # since the last missing one
        ("cluster_missing", np.int64),  # a cluster: missing ones with less than GMIN present between them
        ("cluster_span", np.int64),
        ("outside", np.int64),  # numbers between the last burst and the open cluster
        ("bursts", np.int64),
        ("burst_span", np.int64),
        ("burst_missing", np.int64),
        ("gaps", np.int64),
        ("gap_span", np.int64),
    ],
    align=True,
)
LOSSES: Final = np.dtype(
    [
        ("present", np.int64),  # numbers that no RUNS record has been told of yet: the common case costs one addition
        ("structures", RUNS, (NETWORK + 1,)),
        ("run_lengths", np.int64, (MAX_RUN,)),  # runs of the network alone, of 1, 2, ... numbers
    ],
    align=True,
)

SAMPLES: Final = 256  # latest transit times kept for the percentiles of a slice
WINDOW_SAMPLES: Final = 128  # a window of time ends after so many at the latest
CORNERS: Final = 32  # of the lower convex hull of transit against time
BINS: Final = 192  # of the histogram of delay variation, see delay_variation.py

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
        ("window", np.uint8, (WINDOW,)),  # of the last numbers, at their place modulo WINDOW
        ("losses", LOSSES),  # of the numbers that have left the window
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
        ("media_marked", np.uint8),
        ("events", np.int64),  # RFC 4733 packets
        ("comfort_noise", np.int64),  # RFC 3389 packets
        ("delta_max_ns", np.int64),  # longest distance of arrivals, without the sender's silence
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
        # transit: arrival less timestamp, since an anchor where both are 0
        ("anchor_ns", np.int64),
        ("media_units", np.int64),  # of the last media packet, in timestamp units since the anchor
        ("unit_ns", np.float64),
        # de-jitter buffers, see playout.py
        ("base_ns", np.int64),  # transit that they count their depth from
        ("low_ns", np.int64),  # shortest transit of the talkspurt within the window of time
        ("next_low_ns", np.int64),  # and the next one
        ("peak_ns", np.int64),  # most above the base in the window of time
        ("peak_before_ns", np.int64),  # the same in the window before
        ("depth_ns", np.int64, (len(BUFFERS),)),
        ("judged", np.int64),
        ("discarded", np.int64, (len(BUFFERS),)),
        ("held_ns", np.int64, (len(BUFFERS),)),  # all time that packets waited
        # delay variation and clock drift, see delay_variation.py and drift.py
        ("samples", np.int64),  # transit times so far
        ("transits_ns", np.int64, (SAMPLES,)),  # the latest, at their place modulo SAMPLES
        ("window_first", np.int64),  # the first sample of the window of time
        ("window_started_ns", np.int64),
        ("window_low_ns", np.int64),  # its shortest transit
        ("window_low_at_ns", np.int64),
        ("corner_count", np.int64),
        ("corner_s", np.float64, (CORNERS,)),  # time since the anchor
        ("corner_transit_s", np.float64, (CORNERS,)),
        ("point_count", np.int64),
        ("points_s", np.float64),  # sum of their times
        ("drift", np.float64),  # seconds a second that transit grows by; NaN: unknown
        ("drift_span_s", np.float64),  # how long that was watched
        ("line_slope", np.float64),  # the lower envelope of transit that the bins count from
        ("line_ns", np.float64),
        ("line_lag_ns", np.float64),
        ("bins", np.uint32, (BINS,)),
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
        ("mark_judged", np.int64),
        ("mark_discarded", np.int64, (len(BUFFERS),)),
        ("mark_held_ns", np.int64, (len(BUFFERS),)),
        ("slice_first", np.int64),  # the first sample of the slice
        ("recovered", np.int64),  # arrived in this slice, were lost in an earlier one
        ("recovered_discarded", np.int64, (len(BUFFERS),)),  # of those, too late for a buffer
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
        ("events", np.int64),
        ("comfort_noise", np.int64),
        ("first_arrival_ns", np.int64),
        ("last_arrival_ns", np.int64),
        ("delta_max_s", np.float64),
        ("drift", np.float64),
        ("losses", LOSSES),  # as if no number of the window would arrive any more
        ("started_ns", np.int64),
        ("ended_ns", np.int64),
        ("interval_expected", np.int64),
        ("interval_received", np.int64),
        ("interval_unique", np.int64),  # of those expected in this slice: never more than interval_expected
        ("interval_recovered", np.int64),  # expected in an earlier slice, arrived in this one
        ("interval_duplicates", np.int64),
        ("interval_reordered", np.int64),
        ("interval_octets", np.int64),
        ("interval_judged", np.int64),  # by the de-jitter buffers
        ("interval_discarded", np.int64, (len(BUFFERS),)),
        ("interval_recovered_discarded", np.int64, (len(BUFFERS),)),
        ("interval_hold_s", np.float64, (len(BUFFERS),)),  # mean
        ("interval_variation_s", np.float64, (3,)),  # 50th, 95th, 99th percentile
        ("interval_jitter_s", np.float64),
        ("interval_jitter_max_s", np.float64),
        ("total_expected", np.int64),
        ("total_received", np.int64),
        ("total_unique", np.int64),
        ("total_duplicates", np.int64),
        ("total_reordered", np.int64),
        ("total_octets", np.int64),
        ("total_judged", np.int64),  # by the de-jitter buffers
        ("total_discarded", np.int64, (len(BUFFERS),)),
        ("total_hold_s", np.float64, (len(BUFFERS),)),  # mean
        ("total_variation_s", np.float64, (3,)),  # 50th, 95th, 99th percentile
        ("total_jitter_s", np.float64),
        ("total_jitter_max_s", np.float64),
        ("steady_jitter_s", np.float64),
        ("steady_jitter_max_s", np.float64),
    ],
    align=True,
)
