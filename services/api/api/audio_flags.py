"""What is told of a call because of its sound: silence where there should be none, and clipping. Pure."""

from typing import Final

from api.quality import Direction

# Nobody is digitally silent for so long but a muted phone, or one whose microphone does not reach it.
DEAD_AIR_S: Final = 10.0
CLIPPING_PERCENT: Final = 1.0
# A party was heard at all; below may be a click.
VOICE_S: Final = 3.0
# Nothing but noise: a listener may be quiet for a while.
NOISE_ONLY_S: Final = 30.0
SILENT_PERCENT: Final = 99.99  # all of it, but for rounding


def has_dead_air(direction: Direction) -> bool:
    """Whether its packets were digitally silent for longer than speech is."""
    audio = direction.audio
    return audio is not None and audio.dead_air_s is not None and audio.dead_air_s >= DEAD_AIR_S


def is_clipping(direction: Direction) -> bool:
    """Whether so much of it is cut off that it is heard."""
    audio = direction.audio
    return audio is not None and audio.clipping_percent is not None and audio.clipping_percent >= CLIPPING_PERCENT


def is_one_way(caller: Direction, callee: Direction) -> bool:
    """Whether one party is heard and the other one is not, although both should send.

    Where nothing is known of the sound (SRTP, no decoder) its packets stand for it.
    """
    return _is_silent(caller) != _is_silent(callee) and (_speaks(caller) or _speaks(callee))


def _speaks(direction: Direction) -> bool:
    audio = direction.audio
    if audio is None or audio.silence_percent is None:
        return bool(direction.packets_received)
    return _length_s(direction) * (1 - audio.silence_percent / 100) >= VOICE_S


def _is_silent(direction: Direction) -> bool:
    if not direction.packets_received:
        return True
    audio = direction.audio
    if audio is None or audio.silence_percent is None or audio.silence_percent < SILENT_PERCENT:
        return False
    return has_dead_air(direction) or _length_s(direction) >= NOISE_ONLY_S


def _length_s(direction: Direction) -> float:
    """Of the sound that arrived; 0 while it is not known."""
    return (direction.packets_received or 0) * (direction.ptime_ms or 0.0) / 1000
