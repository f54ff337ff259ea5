"""The live tap: opens, changes and closes the ports of calls, and hands out what the packet loop measured on them."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import structlog
from numpy.typing import NDArray

from rtp_analyzer.audio.health import UNHEARD, Health
from rtp_analyzer.audio.state import Decoded
from rtp_analyzer.measure.formats import format_table, known_formats
from rtp_analyzer.measure.rtcp import RtcpDatagram
from rtp_analyzer.measure.slices import StreamContext
from rtp_analyzer.measure.stream import break_segment
from rtp_analyzer.sounds.sound import Sound
from rtp_analyzer.sounds.tone import tone
from rtp_analyzer.taps import addresses
from rtp_analyzer.taps.cuts import cut_all, cut_leg
from rtp_analyzer.taps.impairing import impair, stop_impairing
from rtp_analyzer.taps.legs import COUNTERS, LEG, LOOP_LAGGED, NO_IMPAIRMENT, SOCKET_DROPPED, STREAMS_A_LEG
from rtp_analyzer.taps.listener import Listener, Samples
from rtp_analyzer.taps.memory import LoopMemory
from rtp_analyzer.taps.playing import Player
from rtp_analyzer.taps.sockets import PortPair, PortUnavailable, open_pair
from shared.events import ImpairedBy, MediaAssigned, MediaLeg, MediaUpdated, Party, PayloadFormat
from shared.events.metrics import BufferName

log = structlog.get_logger(__name__)

Media = MediaAssigned | MediaUpdated

_BLANK: Final = np.zeros(1, LEG)
_BLANK["impairment"] = NO_IMPAIRMENT
_IMPAIRED_BY: Final[Mapping[int, tuple[ImpairedBy, ...]]] = {
    0: (),
    SOCKET_DROPPED: ("socket_drops",),
    LOOP_LAGGED: ("loop_lag",),
    SOCKET_DROPPED | LOOP_LAGGED: ("socket_drops", "loop_lag"),
}


@dataclass(frozen=True, slots=True)
class StreamCut:
    """One stream at one moment: its SLICE record, and whose it is. `slot` stays while the stream lives."""

    slot: int
    slice: np.void
    context: StreamContext
    impaired_by: tuple[ImpairedBy, ...]  # what we ourselves did to it
    ended: bool
    audio: Health = UNHEARD


@dataclass(frozen=True, slots=True)
class Closed:
    """What remains of a medium: the last cut of each of its streams."""

    media: Media
    cuts: tuple[StreamCut, ...]
    refused: Mapping[Party, int]  # datagrams that came to the port of a party and are not its own


@dataclass(slots=True)
class _OpenLeg:
    index: int
    sockets: PortPair
    leg: MediaLeg
    formats: dict[int, PayloadFormat]
    contexts: dict[int, tuple[bytes, StreamContext]] = field(default_factory=dict)  # by slot, with the source's address


@dataclass(slots=True)
class _OpenMedia:
    media: Media
    legs: tuple[_OpenLeg, ...]


class Relay:
    """All media of one worker. Its methods are for one thread; none waits for the network.

    `ports`: the even RTP ports it may be told to open, without gaps; each brings the odd one above for RTCP.
    `scored_buffer`: the de-jitter buffer that quality is for.
    `decodes`: somebody decodes for it what it cannot hear by itself (`undecoded`, `book_decoded`).
    """

    def __init__(
        self,
        bind: str,
        ports: range,
        max_descriptors: int,
        scored_buffer: BufferName = "adaptive500",
        decodes: bool = False,
    ) -> None:
        self._bind = bind
        self._scored_buffer = scored_buffer
        self._ports = ports
        self._family = addresses.family_of(bind)
        self._memory = LoopMemory(len(ports), self._family, max_descriptors)
        self._player = Player(self._memory)
        self._listener = Listener(self._memory, decodes)
        self._tone = tone()
        self._open: dict[str, _OpenMedia] = {}
        self._by_index: dict[int, tuple[_OpenMedia, _OpenLeg]] = {}
        self._rtcp: list[RtcpDatagram] = []  # of media that were closed since the last reading

    def start(self) -> None:
        """Begins to relay."""
        self._memory.start()

    def stop(self) -> None:
        """Closes everything without a word about it."""
        self._memory.stop()
        for opened in self._open.values():
            for leg in opened.legs:
                leg.sockets.close()
        self._open.clear()
        self._by_index.clear()

    @property
    def running(self) -> bool:
        """False when the packet loop died: a bug."""
        return self._memory.running

    @property
    def media(self) -> dict[str, Media]:
        """What is open, by media id."""
        return {media_id: opened.media for media_id, opened in self._open.items()}

    def standstill(self) -> AbstractContextManager[None]:
        """Keeps the packet loop from working as long as it is held. What arrives meanwhile waits in the kernel."""
        return self._memory.mutex

    def counters(self) -> dict[str, int]:
        """Totals since the start, by name."""
        return dict(zip(COUNTERS, self._memory.counters.tolist(), strict=True))

    def delays(self) -> list[int]:
        """How many RTP packets were sent on after which delay since the start (see delay.py)."""
        counts: list[int] = self._memory.loop["delays"].tolist()
        return counts

    def heard(self) -> dict[str, int]:
        """How many packets each medium's parties sent so far, RTCP too, by media id."""
        legs = self._memory.legs
        return {
            media_id: sum(int(legs[leg.index]["heard"]) for leg in opened.legs)
            for media_id, opened in self._open.items()
        }

    def open(self, media: Media) -> None:
        """Binds the ports of a medium and relays on them.

        Raises:
            PortUnavailable: nothing was opened.
        """
        legs: list[_OpenLeg] = []
        try:
            for leg in media.legs:
                index = self._index_of(leg.port)
                legs.append(_OpenLeg(index, open_pair(self._bind, leg.port), leg, known_formats(leg.formats)))
        except PortUnavailable:
            for opened in legs:
                opened.sockets.close()
            raise
        entry = _OpenMedia(media, tuple(legs))
        self._open[media.media_id] = entry
        with self._memory.mutex:
            for leg_opened, peer in _with_peers(legs):
                self._install(media, leg_opened, peer)
        for opened in legs:
            self._by_index[opened.index] = (entry, opened)
            self._memory.watch(opened.sockets.rtp.fileno(), 2 * opened.index)
            self._memory.watch(opened.sockets.rtcp.fileno(), 2 * opened.index + 1)
        self._player.announce()

    def update(self, media: Media) -> None:
        """Takes over what SDP says now. A source stays certain until SDP names another one."""
        entry = self._open[media.media_id]
        entry.media = media
        by_port = {leg.port: leg for leg in media.legs}
        with self._memory.mutex:
            for opened in entry.legs:
                leg = by_port.get(opened.leg.port)
                if leg is None:
                    log.warning("update without a leg that is open", media_id=media.media_id, port=opened.leg.port)
                    continue
                self._change(media, opened, leg)
        self._player.announce()

    def play(self, media_id: str, sound: Sound) -> None:
        """Sends a sound to the first party of a medium, in place of the one before."""
        opened = self._open[media_id].legs[0]
        with self._memory.mutex:
            self._player.play(opened.index, opened.leg.formats, sound)
        self._player.announce()

    def has_played(self, media_id: str) -> bool:
        """Whether that sound is over, or cannot be sent at all."""
        return self._player.is_over(self._open[media_id].legs[0].index)

    def was_audible(self, media_id: str) -> bool:
        """Whether any of it was sent."""
        return self._player.was_sent(self._open[media_id].legs[0].index)

    def close(self, media_id: str, at_ns: int) -> Closed:
        """Stops relaying a medium and frees its ports; `at_ns` ends its last slices."""
        entry = self._open.pop(media_id)
        memory = self._memory
        count, refused = 0, {}
        with memory.mutex:
            for opened in entry.legs:
                arguments = (memory.legs, memory.streams, memory.senders, opened.index, at_ns, True)
                count = cut_leg(*arguments, memory.cuts, memory.slices, count, memory.counters)
                refused[opened.leg.party] = int(memory.legs[opened.index]["refused"])
                stop_impairing(memory, opened.index)
                memory.legs[opened.index] = _BLANK[0]
                self._player.stop(opened.index)
            taken = self._listener.take()
            rtcp = memory.take_rtcp()
        self._listener.hear(taken)
        cuts = self._stream_cuts(count)
        self._rtcp += self._rtcp_datagrams(rtcp)
        for opened in entry.legs:
            del self._by_index[opened.index]
            memory.unwatch(opened.sockets.rtp.fileno())
            memory.unwatch(opened.sockets.rtcp.fileno())
            opened.sockets.close()
        self._player.announce()
        return Closed(entry.media, tuple(cuts), refused)

    def cut(self, at_ns: int) -> Sequence[StreamCut]:
        """Ends the current slice of every stream at `at_ns` and begins the next."""
        memory = self._memory
        with memory.mutex:
            count = cut_all(
                memory.legs,
                memory.streams,
                memory.senders,
                at_ns,
                memory.cuts,
                memory.slices,
                memory.counters,
            )
            taken = self._listener.take()
        self._listener.hear(taken)
        return self._stream_cuts(count)

    def undecoded(self) -> Samples:
        """Packets copied to be heard that need a decoder; each is handed out once."""
        return self._listener.waiting()

    def book_decoded(self, decoded: Decoded) -> None:
        """What was heard in them; it is in the next cut."""
        self._listener.book(decoded)

    def take_rtcp(self) -> Sequence[RtcpDatagram]:
        """The RTCP that came since the last time, in its order; of closed media too."""
        with self._memory.mutex:
            taken = self._memory.take_rtcp()
        rtcp = [*self._rtcp, *self._rtcp_datagrams(taken)]
        self._rtcp.clear()
        return rtcp

    def _index_of(self, port: int) -> int:
        if port not in self._ports:
            raise PortUnavailable(f"port {port} is not one of ours")
        index = self._ports.index(port)
        if index in self._by_index:
            raise PortUnavailable(f"port {port} relays another call")
        return index

    def _install(self, media: Media, opened: _OpenLeg, peer: int) -> None:
        """Fills the leg's record from scratch."""
        memory = self._memory
        first = opened.index * STREAMS_A_LEG
        memory.streams["open"][first : first + STREAMS_A_LEG] = 0
        memory.legs[opened.index] = _BLANK[0]
        record = memory.legs[opened.index]
        record["active"] = 1
        record["echo"] = media.mode == "echo"
        record["rtp_fd"] = opened.sockets.rtp.fileno()
        record["rtcp_fd"] = opened.sockets.rtcp.fileno()
        record["peer"] = peer
        self._describe(media, opened)
        if media.impairment is not None:
            impair(memory, opened.index, media.impairment)
        if media.mode == "tone":
            self._player.play(opened.index, opened.leg.formats, self._tone)

    def _change(self, media: Media, opened: _OpenLeg, leg: MediaLeg) -> None:
        """Takes over a leg's new description; a new path opens the latch again."""
        memory = self._memory
        record = memory.legs[opened.index]
        remote = record["remote"].copy()
        paused = leg.sends != opened.leg.sends
        opened.leg = leg
        opened.formats = known_formats(leg.formats)
        opened.contexts.clear()
        self._describe(media, opened)
        moved = bool(remote.any()) and not np.array_equal(remote, record["remote"])
        if record["locked"]:
            source = addresses.host(record["source"])
            hosts = (record["media_host"], record["signalling_host"])
            moved = moved or not any(np.array_equal(source, host) for host in hosts)
        if moved:
            record["locked"] = record["rtcp_locked"] = 0
        if moved or paused:
            self._listener.pause(opened.index)
            first = opened.index * STREAMS_A_LEG
            for slot in range(first, first + STREAMS_A_LEG):
                break_segment(memory.streams[slot])

    def _describe(self, media: Media, opened: _OpenLeg) -> None:
        """Writes what SDP says of the party into the leg's record."""
        leg = opened.leg
        record = self._memory.legs[opened.index]
        record["remote"] = self._words(leg.remote_address, leg.remote_port)
        record["remote_rtcp"] = self._words(leg.remote_address, leg.remote_rtcp_port or (leg.remote_port or 0) + 1)
        record["media_host"] = addresses.host(record["remote"])
        record["signalling_host"] = addresses.host(self._words(leg.signalling_address, 1))
        record["deaf"] = not leg.listens
        self._memory.formats[opened.index] = format_table(opened.formats)
        held = not all(each.sends and each.listens for each in media.legs)
        self._listener.choose(opened.index, leg, held)
        self._player.choose_codec(opened.index, leg.formats)

    def _words(self, address: str | None, port: int | None) -> addresses.Words:
        return addresses.words(address, port, self._family) if port else addresses.NOWHERE

    def _stream_cuts(self, count: int) -> list[StreamCut]:
        cuts, slices = self._memory.cuts[:count], self._memory.slices[:count].copy()
        heard = self._listener.cut(cuts)
        # By column: reading a field of one record costs as much as a column of a hundred.
        columns = (cuts[name].tolist() for name in ("slot", "leg", "impaired", "ended"))
        return [self._stream_cut(*parts) for parts in zip(*columns, cuts["source"], slices, heard, strict=True)]

    def _stream_cut(
        self,
        slot: int,
        leg: int,
        impaired: int,
        ended: int,
        source: addresses.Words,
        measured: np.void,
        heard: np.void,
    ) -> StreamCut:
        context = self._context(leg, slot, source)
        codec = context.encoding(int(measured["payload_type"]))
        audio = self._listener.health(heard, measured, self._by_index[leg][1].leg, codec)
        return StreamCut(slot, measured, context, _IMPAIRED_BY[impaired], bool(ended), audio)

    def _context(self, leg: int, slot: int, address: addresses.Words) -> StreamContext:
        """The same object as long as nothing of it changes."""
        entry, opened = self._by_index[leg]
        source = address.tobytes()
        known = opened.contexts.get(slot)
        if known is None or known[0] != source:
            context = StreamContext(
                call_id=entry.media.call_id,
                media_id=entry.media.media_id,
                direction=opened.leg.party,
                source=addresses.text(address),
                formats=opened.formats,
                scored_buffer=self._scored_buffer,
                encrypted=opened.leg.encrypted,
            )
            known = opened.contexts[slot] = (source, context)
        return known[1]

    def _rtcp_datagrams(self, taken: NDArray[np.void]) -> list[RtcpDatagram]:
        return [self._rtcp_datagram(kept) for kept in taken]

    def _rtcp_datagram(self, kept: np.void) -> RtcpDatagram:
        entry, opened = self._by_index[int(kept["leg"])]
        return RtcpDatagram(
            media_id=entry.media.media_id,
            sender=opened.leg.party,
            counterpart=entry.media.receiver_of(opened.leg.party),
            arrival_ns=int(kept["arrival_ns"]),
            forwarded_ns=int(kept["forwarded_ns"]) or None,
            encrypted=opened.leg.encrypted,
            octets=kept["octets"][: int(kept["size"])].tobytes(),
        )


def _with_peers(legs: Sequence[_OpenLeg]) -> list[tuple[_OpenLeg, int]]:
    """Each leg with the index of the one that gets its packets, -1 when there is none."""
    if len(legs) != 2:
        return [(leg, -1) for leg in legs]
    return [(legs[0], legs[1].index), (legs[1], legs[0].index)]


__all__ = ["Closed", "Media", "PortUnavailable", "Relay", "StreamCut"]
