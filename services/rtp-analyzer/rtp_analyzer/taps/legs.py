"""The layout of what the packet loop knows: legs, the sources of their streams, counters, its own working memory."""

from typing import Final

import numpy as np

from rtp_analyzer.taps.addresses import WORDS
from rtp_analyzer.taps.libc import IOVEC, MSGHDR

STREAMS_A_LEG: Final = 4  # live SSRCs that one party may have at once; further ones are relayed and counted

NO_TONE: Final = -1
TONE_SAMPLES: Final = 2000  # 251 whole periods of 1004 Hz at 8000 Hz
TONE_PACKET_SAMPLES: Final = 160  # 20 ms, RFC 3551 4.5

# One of our ports towards one party. A leg's index is its port's place in the range, so a port has one leg for ever.
# Addresses are `taps.addresses` words, all zero when unknown.
LEG: Final = np.dtype(
    [
        ("active", np.uint8),
        ("echo", np.uint8),  # what the party sends goes back to it
        ("locked", np.uint8),  # `source` is certain, all others are refused
        ("rtcp_locked", np.uint8),
        ("rtp_fd", np.int32),
        ("rtcp_fd", np.int32),
        ("peer", np.int32),  # the leg that gets what this one receives; -1: nobody
        ("remote", np.uint64, (WORDS,)),  # as SDP says
        ("remote_rtcp", np.uint64, (WORDS,)),
        ("media_host", np.uint64, (WORDS,)),  # hosts that may send here: of SDP, of the signalling
        ("signalling_host", np.uint64, (WORDS,)),
        ("source", np.uint64, (WORDS,)),  # where the party's packets really come from
        ("rtcp_source", np.uint64, (WORDS,)),
        ("refused", np.int64),  # packets from elsewhere, or that are no RTP
        ("drops", np.uint32),  # SO_RXQ_OVFL: what the kernel dropped at our full socket
        ("drops_marked", np.uint32),  # the same at the last cut
        ("tone", np.int32),  # row of the tone table, or NO_TONE
        ("tone_payload_type", np.uint8),
        ("tone_started", np.uint8),
        ("tone_sequence", np.uint16),
        ("tone_timestamp", np.uint32),
        ("tone_ssrc", np.uint32),
        ("tone_phase", np.int32),  # sample of the table that comes next
    ],
    align=True,
)

# Beside each STREAM record: who sends it, and whether it has shown itself to be a stream.
SENDER: Final = np.dtype(
    [
        ("source", np.uint64, (WORDS,)),
        ("last_ns", np.int64),
        ("packets", np.int64),
        ("run", np.int32),  # packets in sequence, up to the proof
        ("next_sequence", np.uint16),
        ("confirmed", np.uint8),
    ],
    align=True,
)

# Of the whole relay, since its start.
RECEIVED: Final = 0
RELAYED: Final = 1
REFUSED: Final = 2
NOT_RTP: Final = 3
TRUNCATED: Final = 4
NO_DESTINATION: Final = 5
SEND_FAILED: Final = 6
UNMEASURED: Final = 7
SOCKET_DROPS: Final = 8
RTCP_RECEIVED: Final = 9
RTCP_RELAYED: Final = 10
RTCP_REFUSED: Final = 11
TONES_SENT: Final = 12
COUNTERS: Final = (
    "packets_received",
    "packets_relayed",
    "packets_refused",  # from a source that does not belong to the call
    "packets_not_rtp",
    "packets_truncated",  # larger than the buffer
    "packets_without_destination",
    "packets_send_failed",
    "packets_unmeasured",  # of streams beyond STREAMS_A_LEG, or of sources that never proved themselves
    "socket_drops",
    "rtcp_received",
    "rtcp_relayed",
    "rtcp_refused",
    "tone_packets_sent",
)

PACKET_BYTES: Final = 2048  # more than any Ethernet frame carries
CONTROL_WORDS: Final = 16

# What the loop itself works with; one record. Addresses within it are filled in once, from Python.
LOOP: Final = np.dtype(
    [
        ("mutex", np.uint64, (8,)),
        ("raised", np.uint8),  # Python waits for the mutex
        ("epoll_fd", np.int32),
        ("stop_fd", np.int32),
        ("timer_fd", np.int32),
        ("tones", np.int32),  # legs that send a tone
        ("message", MSGHDR),
        ("vector", IOVEC),
        ("name", np.uint64, (WORDS,)),  # where the packet came from
        ("nowhere", np.uint64, (WORDS,)),  # always zero
        ("control", np.uint64, (CONTROL_WORDS,)),
        ("expirations", np.uint64),
        ("mutex_at", np.uint64),
        ("message_at", np.uint64),
        ("name_at", np.uint64),
        ("expirations_at", np.uint64),
        ("address_bytes", np.uint32),  # of a socket address of our family
        ("arrival_ns", np.int64),  # of the packet in hand
        ("size", np.int64),
    ],
    align=True,
)

# One stream at a cut, beside its SLICE.
CUT: Final = np.dtype(
    [
        ("leg", np.int32),
        ("slot", np.int32),  # its place among all streams
        ("impaired", np.uint8),
        ("ended", np.uint8),
        ("source", np.uint64, (WORDS,)),
    ],
    align=True,
)
