"""The sounds that a relay sends to parties: which leg gets which, in which codec, and whether it is over."""

import secrets
from collections.abc import Sequence

from rtp_analyzer.sounds.sound import Sound, timestamps_a_packet
from rtp_analyzer.taps.libc import set_timer
from rtp_analyzer.taps.memory import LoopMemory
from rtp_analyzer.taps.sound import PERIOD_NS
from shared.events import PayloadFormat


class Player:
    """Its methods want the packet loop to stand still, but for `announce`."""

    def __init__(self, memory: LoopMemory) -> None:
        self._memory = memory
        self._sounds: dict[int, Sound] = {}  # by leg; the packet loop reads their packets

    def play(self, index: int, formats: Sequence[PayloadFormat], sound: Sound) -> None:
        """Gives a leg a sound from its beginning, as a stream of its own."""
        self._sounds[index] = sound
        record = self._memory.legs[index]
        record["sound_phase"] = record["sound_over"] = record["sound_started"] = 0
        record["sound_loops"] = sound.loops
        record["sound_packet_units"] = 0  # no stream yet
        self.choose_codec(index, formats)

    def choose_codec(self, index: int, formats: Sequence[PayloadFormat]) -> None:
        """Goes on in the first of the formats in which there is the leg's sound; none: nothing is sent."""
        sound = self._sounds.get(index)
        if sound is None:
            return
        record = self._memory.legs[index]
        playable = [known for known in formats if known.encoding in sound.packets]
        if not playable:
            record["sound_at"] = 0
            return
        packets, units = sound.packets[playable[0].encoding], timestamps_a_packet(playable[0].encoding)
        if record["sound_packet_units"] != units:  # a stream has one clock rate (RFC 3550 5.2)
            record["sound_packet_units"] = units
            record["sound_sequence"] = secrets.randbits(16)
            record["sound_timestamp"] = secrets.randbits(32)
            record["sound_ssrc"] = secrets.randbits(32)
        record["sound_at"] = packets.ctypes.data
        record["sound_packets"], record["sound_packet_octets"] = packets.shape
        record["sound_payload_type"] = playable[0].payload_type

    def stop(self, index: int) -> None:
        """Forgets the leg's sound; its record is blank."""
        self._sounds.pop(index, None)

    def is_over(self, index: int) -> bool:
        """Whether the sound came to its end, or cannot be sent at all."""
        record = self._memory.legs[index]
        return bool(record["sound_over"]) or not record["sound_at"]

    def was_sent(self, index: int) -> bool:
        """Whether any of it was."""
        return bool(self._memory.legs[index]["sound_started"])

    def announce(self) -> None:
        """Tells the packet loop which legs get a sound, and lets its timer run while there are any."""
        memory = self._memory
        playing = [index for index in self._sounds if memory.legs[index]["sound_at"]]
        with memory.mutex:
            before = int(memory.loop["sounds"])
            memory.sound_legs[: len(playing)] = playing
            memory.loop["sounds"] = len(playing)
        if bool(before) != bool(playing):
            set_timer(memory.timer_fd, PERIOD_NS if playing else 0)
