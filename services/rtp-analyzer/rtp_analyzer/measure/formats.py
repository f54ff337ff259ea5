"""What the payload types of one direction mean: from SDP, else from the static table of RFC 3551."""

from collections.abc import Iterable, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from rtp_analyzer.audio.state import CODECS, NOT_HEARD
from rtp_analyzer.measure.state import COMFORT_NOISE, EVENT, VOICE
from shared.events.media import PayloadFormat

PAYLOAD_TYPES: Final = 128

# For a compiled loop: FORMAT[payload_type] gives the two facts that `observe` needs;
# the third says what it can be heard with.
FORMAT: Final = np.dtype([("clock_rate", np.uint32), ("kind", np.uint8), ("codec", np.uint8)], align=True)

# RFC 3551 table 4, and 19, which old devices use for comfort noise. G.722 counts 8000 a second by a historical error
# that RFC 3551 4.5.2 keeps.
_STATIC: Final = (
    (0, "PCMU", 8000, 1),
    (3, "GSM", 8000, 1),
    (4, "G723", 8000, 1),
    (5, "DVI4", 8000, 1),
    (6, "DVI4", 16000, 1),
    (7, "LPC", 8000, 1),
    (8, "PCMA", 8000, 1),
    (9, "G722", 8000, 1),
    (10, "L16", 44100, 2),
    (11, "L16", 44100, 1),
    (12, "QCELP", 8000, 1),
    (13, "CN", 8000, 1),
    (15, "G728", 8000, 1),
    (16, "DVI4", 11025, 1),
    (17, "DVI4", 22050, 1),
    (18, "G729", 8000, 1),
    (19, "CN", 8000, 1),
)
STATIC_FORMATS: Final[Mapping[int, PayloadFormat]] = {
    number: PayloadFormat(payload_type=number, encoding=encoding, clock_rate=clock_rate, channels=channels)
    for number, encoding, clock_rate, channels in _STATIC
}
_KINDS: Final = {"TELEPHONE-EVENT": EVENT, "CN": COMFORT_NOISE}
# Clock rates that RFCs fix whatever the SDP says: RFC 3551 4.5.2, RFC 7587 4.1.
_FIXED_CLOCK_RATES: Final = {"G722": 8000, "OPUS": 48000}


def known_formats(negotiated: Iterable[PayloadFormat]) -> dict[int, PayloadFormat]:
    """By payload type: what SDP negotiated, and the static meaning of the numbers it does not name."""
    formats = dict(STATIC_FORMATS)
    for named in negotiated:
        encoding = named.encoding.upper()
        clock_rate = _FIXED_CLOCK_RATES.get(encoding, named.clock_rate)
        formats[named.payload_type] = named.model_copy(update={"encoding": encoding, "clock_rate": clock_rate})
    return formats


def format_table(formats: Mapping[int, PayloadFormat]) -> NDArray[np.void]:
    """The 128 FORMAT records of one direction; clock rate 0 where nobody names the payload type."""
    table = np.zeros(PAYLOAD_TYPES, FORMAT)
    table["kind"] = VOICE
    for number, known in formats.items():
        table[number]["clock_rate"] = known.clock_rate
        table[number]["kind"] = _KINDS.get(known.encoding, VOICE)
        table[number]["codec"] = CODECS.get(known.encoding, NOT_HEARD)
    return table
