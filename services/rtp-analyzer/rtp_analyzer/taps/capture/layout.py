"""The records of the capture reader: where it is in the file, the packet in hand, and the streams it has found."""

from typing import Final

import numba
import numpy as np

# What `scan` returns to Python, which does what is rare.
MORE: Final = 0  # the buffer holds no further whole packet
BLOCK: Final = 1  # a pcapng block that describes the file
DAMAGED: Final = 2
SIGNALLING: Final = 3  # a UDP payload that may be SIP
SEGMENT: Final = 4  # a TCP segment that may be SIP
FRAGMENT: Final = 5  # of an IP packet
NO_ROOM: Final = 6  # for another stream; the packet waits
SLICES: Final = 7  # there is no room for more; the packet waits
GOES_ON: Final = 8  # never returned: nothing to do for Python

# What a frame carries.
OTHER: Final = 9
UDP: Final = 10
TCP: Final = 11
CUT_OFF: Final = 12  # shorter than its own headers say

PCAP: Final = 0
PCAPNG: Final = 1

READER: Final = np.dtype(
    [
        ("format", np.uint8),  # PCAP or PCAPNG
        ("big_endian", np.uint8),  # of the file or its current section
        ("held", np.uint8),  # the packet in hand has to be taken again
        ("at", np.int64),  # where in the buffer the next packet or block begins
        ("first_interface", np.int64),  # of the current section
        ("interfaces", np.int64),  # of the whole file so far
        ("skip", np.int64),  # bytes of a block that is larger than the buffer, and of no use
        ("first_ns", np.int64),  # arrival of the first packet of the file, -1 before
        ("last_ns", np.int64),
    ],
    align=True,
)

INTERFACE: Final = np.dtype(
    [
        ("link_type", np.int64),
        ("snap_length", np.int64),  # 0: no limit
        # ticks since 1970 to nanoseconds: ticks * multiplier // divisor, or of a power of two ticks a second
        ("multiplier", np.int64),
        ("divisor", np.int64),
        ("shift", np.int64),  # -1: not a power of two
        ("offset_ns", np.int64),
    ],
    align=True,
)

# The packet in hand. Addresses are 128 bits in two words, IPv4 as ::ffff:a.b.c.d.
PACKET: Final = np.dtype(
    [
        ("arrival_ns", np.int64),  # -1: the file does not say
        ("at", np.int64),  # of what is being looked at: the frame, then the IP payload, then the UDP or TCP payload
        ("captured", np.int64),  # bytes of it in the file
        ("size", np.int64),  # bytes of it on the wire
        ("link_type", np.int64),
        ("protocol", np.int64),  # of IP
        ("source_high", np.uint64),
        ("source_low", np.uint64),
        ("target_high", np.uint64),
        ("target_low", np.uint64),
        ("source_port", np.uint64),
        ("target_port", np.uint64),
        ("fragment", np.int64),  # identification
        ("fragment_at", np.int64),  # in the whole IP payload
        ("fragment_last", np.uint8),
        ("tcp_sequence", np.int64),
        ("tcp_opens", np.uint8),  # SYN
    ],
    align=True,
)

SAMPLES: Final = 16

# Beside each STREAM record.
FLOW: Final = np.dtype(
    [
        ("source_high", np.uint64),
        ("source_low", np.uint64),
        ("target_high", np.uint64),
        ("target_low", np.uint64),
        ("source_port", np.uint64),
        ("target_port", np.uint64),
        ("ssrc", np.uint64),
        ("formats", np.int64),  # row of what its payload types mean
        ("source_endpoint", np.int64),  # row of what SDP said of its ends, or -1
        ("target_endpoint", np.int64),
        ("proven", np.uint8),
        ("over", np.uint8),  # its call has ended: packets are counted, no more
        ("retired", np.uint8),  # the next packet with this key is of another stream
        ("run", np.int64),  # packets in sequence, up to the proof
        ("next_sequence", np.int64),
        ("last_ns", np.int64),
        ("after_end", np.int64),
        ("samples", np.uint64, (SAMPLES,)),  # digests of some of its last packets, to know copies by
    ],
    align=True,
)

# An entry of the hash table. `value` is a flow or an endpoint; -1 marks a free entry.
KEY: Final = np.dtype(
    [
        ("source_high", np.uint64),
        ("source_low", np.uint64),
        ("target_high", np.uint64),
        ("target_low", np.uint64),
        ("rest", np.uint64),  # both ports and the SSRC
        ("value", np.int64),
    ],
    align=True,
)

# Of the whole file.
FRAMES: Final = 0
UDP_DATAGRAMS: Final = 1
RTP: Final = 2
RTCP: Final = 3
SHORTENED: Final = 4
UNREADABLE: Final = 5
UNTIMED: Final = 6
UNMEASURED: Final = 7
UNKNOWN_LINK: Final = 8
COUNTERS: Final = (
    "packets",
    "udp",
    "rtp",  # of streams that were proven or not
    "rtcp",
    "shortened",  # by the snap length
    "unreadable",  # too short for their own headers
    "without_time",
    "unmeasured",  # more streams at once than there is room for
    "unknown_link_type",
)

READER_TYPE: Final = numba.from_dtype(READER)
INTERFACE_TYPE: Final = numba.from_dtype(INTERFACE)
PACKET_TYPE: Final = numba.from_dtype(PACKET)
FLOW_TYPE: Final = numba.from_dtype(FLOW)
KEY_TYPE: Final = numba.from_dtype(KEY)
BYTES: Final = numba.uint8[::1]
COUNTER_ARRAY: Final = numba.int64[::1]
