"""The sounds that `make_prompts.py` has made: the words of each language, and the tone, in each codec."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np

from rtp_analyzer.sounds.g711 import from_a_law, mu_law
from rtp_analyzer.sounds.sound import Packets, Sound
from shared.events import Language

FOLDER: Final = Path(__file__).parent


def packets_of(name: str) -> dict[str, Packets]:
    """What one of the files holds, by encoding."""
    with np.load(FOLDER / f"{name}.npz") as file:
        return {encoding: file[encoding] for encoding in file if encoding.isupper()}


@cache
def _vocabulary(language: Language) -> tuple[dict[str, slice], dict[str, Packets]]:
    """Where each word is among the packets of its language, and these by encoding."""
    with np.load(FOLDER / f"{language}.npz") as file:
        ends = np.cumsum(file["counts"]).tolist()
        places = map(slice, [0, *ends], ends)
        words = dict(zip(file["words"].tolist(), places, strict=True))
    packets = packets_of(language)
    packets["PCMU"] = mu_law(from_a_law(packets["PCMA"]))
    return words, packets


def say(words: Sequence[str], language: Language) -> Sound:
    """The words one after another, each a name of the vocabulary: a number, or what `make_prompts.py` calls a text."""
    places, packets = _vocabulary(language)
    return Sound(
        {encoding: np.concatenate([each[places[word]] for word in words]) for encoding, each in packets.items()}
    )
