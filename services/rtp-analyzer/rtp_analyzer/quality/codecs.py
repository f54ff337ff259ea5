"""Which equipment impairment (Ie) and loss robustness (Bpl) a codec has, on which scale, and who says so: the table.

Every number is from ITU-T G.113 Appendix I (narrowband), IV (wideband) or V (fullband), or stands for a missing one and
says what it was taken from. What could not be compared with a second source is marked unverified.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal

from rtp_analyzer.quality.emodel import ScaleName

Grounding = Literal["standard", "proxy", "none"]

UNVERIFIED: Final = "not verified against the printed table"


@dataclass(frozen=True, slots=True)
class CodecRating:
    """What the E-model may know of a codec. Without `ie` and `bpl` it has no MOS, and `assumption` says why.

    Grounding: standard, both are printed in G.113; proxy, at least one is that of a neighbour named in `assumption`.
    """

    codec: str
    grounding: Grounding
    assumption: str
    scale: ScaleName = "nb"
    source: str | None = None
    ie: float | None = None
    bpl: float | None = None
    unverified: bool = False

    @property
    def described(self) -> str:
        """Source and assumption in one line."""
        if self.source is None:
            return self.assumption
        doubt = f"; {UNVERIFIED}" if self.unverified else ""
        return f"{self.source}: {self.assumption}{doubt}"


def unrated(codec: str, reason: str) -> CodecRating:
    """A codec without a MOS."""
    return CodecRating(codec, "none", reason)


def _narrowband(
    codec: str, grounding: Grounding, ie: float, bpl: float, source: str, assumption: str, *, unverified: bool = False
) -> CodecRating:
    return CodecRating(codec, grounding, assumption, "nb", source, ie, bpl, unverified)


_I1: Final = "ITU-T G.113 Table I.1"
_I4: Final = "ITU-T G.113 Table I.4"
_UNCONCEALED: Final = 4.3  # ITU-T G.107: the default Bpl, of a codec without loss concealment
_NO_BPL: Final = "G.113 prints no Bpl: the G.107 default 4.3 (no loss concealment) is used"
_EFR_BPL: Final = "G.113 prints no Bpl: that of GSM EFR is used"

G711: Final = _narrowband(
    "G.711", "standard", 0, 25.1, _I4, "the receiver conceals loss as in G.711 Appendix I; Bpl is for 10 ms packets"
)
G729_VAD: Final = _narrowband("G.729A + VAD", "standard", 11, 19.0, _I4, "G.729A with VAD, 20 ms packets")
G729: Final = _narrowband(
    "G.729, no VAD", "proxy", 10, 19.0, _I1, "SDP says annexb=no; G.113 prints Bpl with VAD only, which is used"
)
G723_63_VAD: Final = _narrowband(
    "G.723.1 6.3 + VAD", "standard", 15, 16.1, _I4, "G.723.1 at 6.3 kbit/s with VAD, 30 ms packets"
)
G723_63: Final = _narrowband(
    "G.723.1 6.3, no VAD", "proxy", 15, 16.1, _I4, "SDP says annexa=no; the values printed with VAD are used"
)
G723_53: Final = _narrowband(
    "G.723.1 5.3", "proxy", 19, 16.1, _I1, "G.723.1 at 5.3 kbit/s; G.113 prints no Bpl: that of 6.3 kbit/s is used"
)
G723: Final = _narrowband("G.723.1", "proxy", 15, 16.1, _I4, "the bitrate is not known: taken as 6.3 kbit/s with VAD")
GSM_EFR: Final = _narrowband("GSM EFR", "standard", 5, 10.0, _I4, "20 ms packets")
GSM_FR: Final = _narrowband("GSM FR", "proxy", 20, 10.0, _I1, _EFR_BPL, unverified=True)
GSM_HR: Final = _narrowband("GSM HR", "proxy", 23, 10.0, _I1, _EFR_BPL, unverified=True)
G726_40: Final = _narrowband("G.726 40", "proxy", 2, _UNCONCEALED, _I1, _NO_BPL)
G726_32: Final = _narrowband("G.726 32", "proxy", 7, _UNCONCEALED, _I1, _NO_BPL)
G726_24: Final = _narrowband("G.726 24", "proxy", 25, _UNCONCEALED, _I1, _NO_BPL)
G726_16: Final = _narrowband("G.726 16", "proxy", 50, _UNCONCEALED, _I1, _NO_BPL)
G728: Final = _narrowband("G.728 16", "proxy", 7, _UNCONCEALED, _I1, _NO_BPL)
EVRC: Final = _narrowband("EVRC (IS-127)", "proxy", 6, _UNCONCEALED, _I1, _NO_BPL, unverified=True)
AMR_122: Final = _narrowband(
    "AMR 12.2", "proxy", 5, 10.0, _I4, "G.113 has no value for AMR: GSM EFR stands for 12.2 kbit/s", unverified=True
)
AMR_74: Final = _narrowband(
    "AMR 7.4",
    "proxy",
    10,
    10.0,
    _I1,
    "G.113 has no value for AMR: IS-641 stands for 7.4 kbit/s, with the Bpl of GSM EFR",
    unverified=True,
)

_IV: Final = "ITU-T G.113 Tables IV.1 and IV.4"
_LOWEST_WB_BPL: Final = 4.3  # the lowest that Table IV.4 prints, and the default of G.107


def _amr_wb(kbps: float, ie: float, bpl: float | None) -> CodecRating:
    borrowed = "Bpl printed for listening with both ears" if bpl else "no Bpl printed: that of 12.65 kbit/s"
    return CodecRating(
        f"AMR-WB {kbps:g}",
        "proxy",
        f"AMR-WB at {kbps:g} kbit/s, Ie for listening with one ear, {borrowed}",
        "wb",
        _IV,
        ie,
        bpl or _LOWEST_WB_BPL,
    )


# By kbit/s. 23.85 is printed worse than 23.05.
AMR_WB: Final[Mapping[float, CodecRating]] = {
    kbps: _amr_wb(kbps, ie, bpl)
    for kbps, ie, bpl in (
        (6.6, 41, None),
        (8.85, 26, None),
        (12.65, 13, 4.3),
        (14.25, 10, None),
        (15.85, 7, None),
        (18.25, 5, None),
        (19.85, 3, None),
        (23.05, 1, 4.6),
        (23.85, 8, 4.9),
    )
}


def _wideband(codec: str, ie: float) -> CodecRating:
    return CodecRating(
        codec,
        "proxy",
        "G.113 prints no Bpl: that of AMR-WB 12.65 stands for it, so the MOS under loss is a lower bound",
        "wb",
        "ITU-T G.113 Table IV.1",
        ie,
        _LOWEST_WB_BPL,
        unverified=True,
    )


G722: Final = _wideband("G.722 64", 13)
G7221_32: Final = _wideband("G.722.1 32", 13)
G7221_24: Final = _wideband("G.722.1 24", 19)

# By kbit/s. Erratum 1 (01/2026) of G.113 corrects a printed 2 kbit/s to 32.
EVS: Final[Mapping[float, CodecRating]] = {
    kbps: CodecRating(
        f"EVS-SWB {kbps:g}",
        "standard",
        f"EVS at {kbps:g} kbit/s, taken as super-wideband, listening with both ears",
        "fb",
        "ITU-T G.113 Appendix V",
        ie,
        bpl,
    )
    for kbps, ie, bpl in (
        (9.6, 22.7, 13.0),
        (13.2, 17.1, 11.7),
        (16.4, 10.8, 10.3),
        (24.4, 7.2, 11.4),
        (32.0, 8.7, 9.3),
        (48.0, 10.2, 9.6),
    )
}
EVS_ABOVE: Final = replace(
    EVS[48.0], codec="EVS above 48", grounding="proxy", assumption="G.113 ends at 48 kbit/s, which stands for it"
)
# The bitrate below which EVS row stands for Opus.
OPUS: Final[Mapping[float, CodecRating]] = {
    kbps: replace(
        row,
        codec=f"Opus from {kbps:g}",
        grounding="proxy",
        assumption=f"G.113 has no value for Opus: EVS-SWB at {kbps:g} kbit/s, at or below its bitrate, stands for it",
    )
    for kbps, row in EVS.items()
}

RATED: Final = (
    *(G711, G729_VAD, G729, G723_63_VAD, G723_63, G723_53, G723, GSM_EFR, GSM_FR, GSM_HR),
    *(G726_40, G726_32, G726_24, G726_16, G728, EVRC, AMR_122, AMR_74),
    *(G722, G7221_32, G7221_24, *AMR_WB.values()),
    *(*EVS.values(), EVS_ABOVE, *OPUS.values()),
)
