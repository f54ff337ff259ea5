"""What the extension 996 says: measures as words of the vocabulary. Unknown is said as unknown, never as 0."""

from typing import Final

from shared.events import Language, Measures

# Below it a decimal is said, above whole numbers are enough; nothing is said above LARGEST.
FIRST_WHOLE: Final = 10
LARGEST: Final = 100
# "ventuno", "ventotto": these units melt into the ten, so that the vocabulary has a word for each.
_MELTING_UNITS: Final[dict[Language, tuple[int, ...]]] = {"en": (), "it": (1, 8)}


def quality_words(measured: Measures | None, language: Language) -> list[str]:
    """The whole announcement; None: nothing was received."""
    if measured is None or measured.packets_received == 0:
        return ["nothing", "goodbye"]
    mos = None if measured.quality is None else measured.quality.mos
    return [
        "intro",
        "score",
        *_amount(mos, [], language),
        "loss",
        *_amount(measured.loss_percent, ["percent"], language),
        "jitter",
        *_amount(measured.jitter_ms, ["milliseconds"], language),
        "goodbye",
    ]


def _amount(value: float | None, unit: list[str], language: Language) -> list[str]:
    if value is None:
        return ["unknown"]
    if value == 0:
        return ["0", *unit]
    if value < 0.05:  # would be said as 0.0
        return ["less than", "0", "point", "1", *unit]
    if round(value) > LARGEST:
        return ["more than", *_whole(LARGEST, language), *unit]
    if round(value, 1) >= FIRST_WHOLE:
        return [*_whole(round(value), language), *unit]
    whole, decimal = f"{value:.1f}".split(".")
    return [whole, "point", decimal, *unit]


def _whole(number: int, language: Language) -> list[str]:
    ten, unit = number - number % 10, number % 10
    if number <= 20 or unit == 0 or unit in _MELTING_UNITS[language]:
        return [str(number)]
    return [str(ten), str(unit)]
