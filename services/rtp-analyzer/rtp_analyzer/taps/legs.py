"""The layout of what the packet loop knows: legs, the sources of their streams, counters, its own working memory."""

from typing import Final

import numpy as np

from rtp_analyzer.taps.addresses import WORDS
from rtp_analyzer.taps.libc import IOVEC, MSGHDR

STREAMS_A_LEG: Final = 4  # live SSRCs that one party may have at once; further ones are relayed and counted

NO_IMPAIRMENT: Final = -1
HELD_PACKETS: Final = 16  # that wait in one leg; the longest delay is 40 ms

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
        ("rtcp_kept", np.uint16),  # datagrams of this leg that wait to be read
        ("refused", np.int64),  # packets from elsewhere, or that are no RTP
        ("drops", np.uint32),  # SO_RXQ_OVFL: what the kernel dropped at our full socket
        ("drops_marked", np.uint32),  # the same at the last cut
        ("heard", np.int64),  # packets of the party, RTCP too
        ("lagged", np.uint8),  # since the last cut we kept a packet too long
        ("deaf", np.uint8),  # its SDP forbids to send to it
        ("impairment", np.int32),  # row of what is done to its echo, or NO_IMPAIRMENT
        # what we ourselves send to the party
        ("sound_at", np.uint64),  # address of its packets, one after another; 0: nothing
        ("sound_packets", np.int64),
        ("sound_packet_octets", np.int64),
        ("sound_packet_units", np.int64),  # of the timestamp
        ("sound_phase", np.int64),  # packet that comes next
        ("sound_loops", np.uint8),
        ("sound_over", np.uint8),  # it was sent to its end
        ("sound_started", np.uint8),
        ("sound_payload_type", np.uint8),
        ("sound_sequence", np.uint16),
        ("sound_timestamp", np.uint32),
        ("sound_ssrc", np.uint32),
    ],
    align=True,
)

# What is done on purpose to the echo of one leg, and the packets that wait in it, oldest first from `first`.
IMPAIRMENT: Final = np.dtype(
    [
        ("leg", np.int32),  # -1: a free row
        ("loss", np.uint64),  # of 2**32 draws so many drop the packet
        ("step_ns", np.int64),
        ("steps", np.int32),  # of delay, 0 to 2, of the packet before
        ("random", np.uint64),
        ("first", np.int32),
        ("held", np.int32),
        ("sizes", np.int64, (HELD_PACKETS,)),
        ("due_ns", np.int64, (HELD_PACKETS,)),  # on the monotonic clock, never before that of the packet ahead
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

RTCP_OCTETS: Final = 512  # reports of two parties with all extended blocks have some 200
RTCP_KEPT: Final = 4096  # datagrams between two readings: four times what 1000 calls send in a second
RTCP_KEPT_A_LEG: Final = 16  # of them, so that no party takes the room of the others

# An RTCP datagram as it came, for Python to read at the next tick.
RTCP_DATAGRAM: Final = np.dtype(
    [
        ("leg", np.int32),
        ("size", np.int32),
        ("arrival_ns", np.int64),
        ("forwarded_ns", np.int64),  # on the same clock, when it had been sent on; 0: it was not
        ("octets", np.uint8, (RTCP_OCTETS,)),
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
SOUNDS_SENT: Final = 12
DROPPED_ON_PURPOSE: Final = 13
NOT_HELD: Final = 14
AUDIO_SAMPLED: Final = 15
AUDIO_NOT_SAMPLED: Final = 16
RTCP_NOT_KEPT: Final = 17
LAGGED: Final = 18
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
    "sound_packets_sent",
    "packets_dropped_on_purpose",
    "packets_not_held",  # HELD_PACKETS were waiting already
    "audio_sampled",  # packets that were copied to be heard
    "audio_not_sampled",  # there was no room
    "rtcp_not_kept",  # too large, or too many at once: relayed, but not read
    "packets_lagged",  # sent on more than 50 ms after their arrival
)

PACKET_BYTES: Final = 2048  # more than any Ethernet frame carries
CONTROL_WORDS: Final = 16
DELAY_BUCKETS: Final = 96  # four an octave of microseconds: up to 16 s

# Why a slice is no verdict on the network: bits of CUT.impaired.
SOCKET_DROPPED: Final = 1
LOOP_LAGGED: Final = 2

# What the loop itself works with; one record. Addresses within it are filled in once, from Python.
LOOP: Final = np.dtype(
    [
        ("mutex", np.uint64, (8,)),
        ("raised", np.uint8),  # Python waits for the mutex
        ("epoll_fd", np.int32),
        ("stop_fd", np.int32),
        ("timer_fd", np.int32),  # paces the sounds
        ("alarm_fd", np.int32),  # for the packets that are held
        ("sounds", np.int32),  # legs that a sound is sent to
        ("impairments", np.int32),  # rows that may be in use
        ("rtcp_kept", np.int32),  # datagrams that wait to be read
        ("alarm_ns", np.int64),  # when it rings; 0: it is not set
        ("samples_side", np.int64),  # where packets are copied to now
        ("samples", np.int64),  # that are there
        ("run_period", np.int64),  # packets from one run that is decoded to the next
        ("message", MSGHDR),
        ("vector", IOVEC),
        ("name", np.uint64, (WORDS,)),  # where the packet came from
        ("nowhere", np.uint64, (WORDS,)),  # always zero
        ("control", np.uint64, (CONTROL_WORDS,)),
        ("expirations", np.uint64),
        ("clock", np.int64, (2,)),  # struct timespec
        ("alarm", np.int64, (4,)),  # struct itimerspec
        ("clock_at", np.uint64),
        ("alarm_at", np.uint64),
        ("mutex_at", np.uint64),
        ("message_at", np.uint64),
        ("name_at", np.uint64),
        ("expirations_at", np.uint64),
        ("address_bytes", np.uint32),  # of a socket address of our family
        ("arrival_ns", np.int64),  # of the packet in hand
        ("size", np.int64),
        ("delays", np.int64, (DELAY_BUCKETS,)),  # RTP packets sent on, by how long they waited
    ],
    align=True,
)

# One stream at a cut, beside its SLICE.
CUT: Final = np.dtype(
    [
        ("leg", np.int32),
        ("slot", np.int32),  # its place among all streams
        ("impaired", np.uint8),  # SOCKET_DROPPED, LOOP_LAGGED
        ("ended", np.uint8),
        ("source", np.uint64, (WORDS,)),
    ],
    align=True,
)
