"""Which equipment impairment (Ie) and loss robustness (Bpl) a codec has on the narrowband scale, and who says so."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

Grounding = Literal["standard", "proxy", "none"]


@dataclass(frozen=True, slots=True)
class CodecRating:
    """What the E-model may know of a codec. Without `ie` and `bpl` it has no MOS, and `assumption` says why.

    Grounding: standard, both are printed in G.113; proxy, at least one is that of a neighbour named in `assumption`.
    """

    grounding: Grounding
    assumption: str
    source: str | None = None
    ie: float | None = None
    bpl: float | None = None


def _standard(ie: float, bpl: float, source: str, assumption: str) -> CodecRating:
    return CodecRating("standard", assumption, source, ie, bpl)


def _proxy(ie: float, bpl: float, source: str, assumption: str) -> CodecRating:
    return CodecRating("proxy", assumption, source, ie, bpl)


def _none(reason: str) -> CodecRating:
    return CodecRating("none", reason)


_G711 = _standard(
    0,
    25.1,
    "ITU-T G.113 Table I.4",
    "the receiver conceals loss as in G.711 Appendix I; Bpl is printed for 10 ms packets",
)
_DEFAULT_BPL = 4.3  # ITU-T G.107: of a codec without loss concealment
_NO_BPL = "G.113 prints no Bpl: the G.107 default 4.3 (no loss concealment) is used"
_WIDEBAND = "no value on the narrowband scale: a wideband codec"
_G726 = "ITU-T G.113 Table I.1"

# By the encoding name of SDP, upper case. The five rows of Table I.4 are all the Bpl that G.113 prints.
NARROWBAND: Final[Mapping[str, CodecRating]] = {
    "PCMU": _G711,
    "PCMA": _G711,
    # RFC 4856 2.1.9: G.729 without an annexb parameter means Annex B, silence suppression.
    "G729": _standard(11, 19.0, "ITU-T G.113 Table I.4", "G.729A with VAD (the SDP default annexb=yes), 20 ms packets"),
    # RFC 4856 2.1.5: G.723.1 without parameters may send both rates and Annex A silence.
    "G723": _proxy(
        15,
        16.1,
        "ITU-T G.113 Table I.4",
        "taken as 6.3 kbit/s with VAD, 30 ms packets; 5.3 kbit/s has Ie 19 and no Bpl",
    ),
    "GSM-EFR": _standard(5, 10.0, "ITU-T G.113 Table I.4", "20 ms packets"),
    "GSM": _proxy(20, 10.0, "ITU-T G.113 Table I.1", "Ie of GSM full rate (unverified); Bpl borrowed from GSM EFR"),
    "GSM-HR-08": _proxy(
        23, 10.0, "ITU-T G.113 Table I.1", "Ie of GSM half rate (unverified); Bpl borrowed from GSM EFR"
    ),
    "G726-40": _proxy(2, _DEFAULT_BPL, _G726, _NO_BPL),
    "G726-32": _proxy(7, _DEFAULT_BPL, _G726, _NO_BPL),
    "G726-24": _proxy(25, _DEFAULT_BPL, _G726, _NO_BPL),
    "G726-16": _proxy(50, _DEFAULT_BPL, _G726, _NO_BPL),
    "G728": _proxy(7, _DEFAULT_BPL, "ITU-T G.113 Table I.1", f"16 kbit/s; {_NO_BPL}"),
    "AMR": _none("G.113 has no value for AMR, and its mode is not known from SDP alone"),
    "ILBC": _none("G.113 has no value for iLBC"),
    "SPEEX": _none("G.113 has no value for Speex"),
    "G722": _none(_WIDEBAND),
    "G7221": _none(_WIDEBAND),
    "AMR-WB": _none(_WIDEBAND),
    "EVS": _none("no value on the narrowband scale: a super-wideband codec"),
    "OPUS": _none("no value on the narrowband scale; G.113 has none for Opus on any scale"),
}


def narrowband_rating(encoding: str | None) -> CodecRating:
    """The rating of a codec by its SDP encoding name; None is a payload type that nobody named."""
    if encoding is None:
        return _none("neither SDP nor RFC 3551 names the codec of this payload type")
    known = NARROWBAND.get(encoding.upper())
    return known or _none(f"no Ie and Bpl known for {encoding}")
