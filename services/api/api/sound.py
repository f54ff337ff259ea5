"""The sound of several streams of a direction as one. Pure."""

from collections.abc import Iterable, Sequence
from math import log10
from typing import Final

from shared.events import AudioHealth

LOWEST_DBOV: Final = -127.0  # RFC 6464 3


def combined(heard: Iterable[AudioHealth | None]) -> AudioHealth | None:
    """The sound of several streams, weighted by what was judged of each; of unknown ones the last stands for all."""
    told = [each for each in heard if each is not None]
    known = [each for each in told if each.source is not None]
    if len(known) < 2:
        return next(iter(known or told[::-1]), None)
    judged_s = sum(each.judged_s or 0.0 for each in known)
    active = [(_active_s(each), each.active_level_dbov) for each in known]
    return AudioHealth(
        source=known[-1].source,
        level_dbov=_mean_level([(each.judged_s or 0.0, each.level_dbov) for each in known]),
        active_level_dbov=_mean_level(active),
        peak_dbov=max((each.peak_dbov for each in known if each.peak_dbov is not None), default=None),
        silence_percent=_mean([(each.judged_s, each.silence_percent) for each in known]),
        clipping_percent=_mean([(each.judged_s, each.clipping_percent) for each in known]),
        dead_air_s=max((each.dead_air_s for each in known if each.dead_air_s is not None), default=None),
        judged_s=judged_s,
        judged_percent=_mean([(each.judged_s, each.judged_percent) for each in known]),
    )


def _active_s(audio: AudioHealth) -> float:
    silence_percent = 0.0 if audio.silence_percent is None else audio.silence_percent
    return (audio.judged_s or 0.0) * (1 - silence_percent / 100)


def _mean(weighted: Sequence[tuple[float | None, float | None]]) -> float | None:
    known = [(weight, value) for weight, value in weighted if weight and value is not None]
    weight = sum(weight for weight, _ in known)
    return sum(weight * value for weight, value in known) / weight if weight else None


def _mean_level(weighted: Sequence[tuple[float | None, float | None]]) -> float | None:
    """Of levels in dB, by their powers."""
    power = _mean([(weight, None if level is None else 10 ** (level / 10)) for weight, level in weighted])
    return None if power is None else max(LOWEST_DBOV, 10 * log10(power))
