"""From what SDP says of a codec, and what its packets weigh, to its row in the table. Pure functions."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from math import ceil
from types import MappingProxyType
from typing import Final, NamedTuple

from rtp_analyzer.quality import codecs
from rtp_analyzer.quality.codecs import CodecRating, unrated
from shared.events.media import PayloadFormat


class MeanPacket(NamedTuple):
    """What a packet of a stream holds on average: RTP payload octets, and milliseconds of sound."""

    octets: float
    ptime_ms: float

    @property
    def kbps(self) -> float:
        """The bitrate of the codec while it sends, in kbit/s."""
        return round(8 * self.octets / self.ptime_ms, 3)  # so that 24 octets in 20 ms are 9.6, to the last digit


Parameters = Mapping[str, str]
_Choose = Callable[[Parameters, MeanPacket | None], CodecRating]

_FRAME_MS: Final = 20  # of AMR, AMR-WB and EVS
_BETWEEN_63_AND_53_KBPS: Final = 5.8
# Bits of a speech frame by mode: 3GPP TS 26.101 and 26.201.
_AMR_BITS: Final = {4.75: 95, 5.15: 103, 5.9: 118, 6.7: 134, 7.4: 148, 7.95: 159, 10.2: 204, 12.2: 244}
_AMR_WB_BITS: Final = {
    6.6: 132,
    8.85: 177,
    12.65: 253,
    14.25: 285,
    15.85: 317,
    18.25: 365,
    19.85: 397,
    23.05: 461,
    23.85: 477,
}
_EVS_KBPS: Final = (7.2, 8.0, 9.6, 13.2, 16.4, 24.4, 32.0, 48.0, 64.0, 96.0, 128.0)  # 3GPP TS 26.445
_SUPER_WIDEBAND_HZ: Final = 24_000  # RFC 7587 3.1.1: the sampling rate of super-wideband sound

_UNNAMED: Final = unrated("unknown", "neither SDP nor RFC 3551 names the codec of this payload type")


def rating_of(known: PayloadFormat | None, packet: MeanPacket | None = None) -> CodecRating:
    """The row of a payload type as SDP names it; None is one that nobody named.

    `packet` None: nothing measured yet, and a codec whose row depends on its bitrate may have none.
    """
    if known is None:
        return _UNNAMED
    encoding = known.encoding.upper()
    row = _ROWS.get((encoding, known.clock_rate))
    if row is None:
        return _unknown(encoding, known.clock_rate)
    return row if isinstance(row, CodecRating) else row(_parameters(known.fmtp), packet)


@lru_cache(maxsize=256)
def _unknown(encoding: str, clock_rate: int) -> CodecRating:
    reason = WITHOUT_A_VALUE.get(encoding)
    return unrated(encoding, reason or f"no Ie and Bpl known for {encoding} at {clock_rate} Hz")


@lru_cache(maxsize=256)
def _parameters(fmtp: str | None) -> Parameters:
    """The `name=value` pairs of a=fmtp, names in lower case; what is no pair is left out."""
    pairs = (pair.partition("=") for pair in (fmtp or "").split(";"))
    return MappingProxyType({name.strip().lower(): value.strip() for name, equals, value in pairs if equals})


def _g729(parameters: Parameters, _: MeanPacket | None) -> CodecRating:
    # RFC 4856 2.1.9: without the parameter annexb is yes, silence suppression
    return codecs.G729 if parameters.get("annexb", "").lower() == "no" else codecs.G729_VAD


def _g723(parameters: Parameters, packet: MeanPacket | None) -> CodecRating:
    # RFC 4856 2.1.5: bitrate is the highest that the receiver takes; annexa is yes without the parameter
    if parameters.get("bitrate") == "5.3" or (packet is not None and packet.kbps < _BETWEEN_63_AND_53_KBPS):
        return codecs.G723_53
    if packet is None:
        return codecs.G723
    return codecs.G723_63 if parameters.get("annexa", "").lower() == "no" else codecs.G723_63_VAD


def _amr(parameters: Parameters, packet: MeanPacket | None) -> CodecRating:
    mode = _amr_mode(_AMR_BITS, parameters, packet)
    return _AMR_ROWS.get(mode, _AMR_NONE) if mode is not None else _AMR_NONE


def _amr_wb(parameters: Parameters, packet: MeanPacket | None) -> CodecRating:
    mode = _amr_mode(_AMR_WB_BITS, parameters, packet)
    return codecs.AMR_WB[mode] if mode is not None else _AMR_WB_NONE


def _amr_mode(bits: Mapping[float, int], parameters: Parameters, packet: MeanPacket | None) -> float | None:
    """The mode in kbit/s: the only one that SDP allows, else the highest that fits into the packets seen."""
    allowed = parameters.get("mode-set", "")
    if allowed.isdecimal() and int(allowed) < len(bits):
        return tuple(bits)[int(allowed)]
    if packet is None:
        return None
    frames = max(1, round(packet.ptime_ms / _FRAME_MS))
    size = _octet_aligned if parameters.get("octet-align") == "1" else _bandwidth_efficient
    return max((mode for mode in bits if size(frames, bits[mode]) <= packet.octets), default=None)


def _octet_aligned(frames: int, bits: int) -> int:
    # RFC 4867 4.4: one octet of CMR, then of each frame one octet of contents and the padded speech
    return 1 + frames * (1 + ceil(bits / 8))


def _bandwidth_efficient(frames: int, bits: int) -> int:
    # RFC 4867 4.3: 4 bits of CMR, then of each frame 6 bits of contents and the speech, padded once
    return ceil((4 + frames * (6 + bits)) / 8)


def _g7221(parameters: Parameters, packet: MeanPacket | None) -> CodecRating:
    # RFC 5577 3.1: bitrate is mandatory
    if parameters.get("bitrate") == "24000" or (packet is not None and packet.kbps < 28):  # half way to 32
        return codecs.G7221_24
    return codecs.G7221_32


def _evs(parameters: Parameters, packet: MeanPacket | None) -> CodecRating:
    # 3GPP TS 26.445 A.3.1: bw is the audio band, evs-mode-switch=1 begins in AMR-WB IO
    if parameters.get("bw", "swb").lower() in ("nb", "wb", "nb-wb") or parameters.get("evs-mode-switch") == "1":
        return _EVS_NOT_SWB
    kbps = packet.kbps if packet is not None else _number(parameters.get("br", ""))
    mode = max((rate for rate in _EVS_KBPS if kbps is not None and rate <= kbps), default=0.0)
    if mode > max(codecs.EVS):
        return codecs.EVS_ABOVE
    return codecs.EVS.get(mode, _EVS_NONE)


def _opus(parameters: Parameters, packet: MeanPacket | None) -> CodecRating:
    # RFC 7587 6.1: the receiver plays no more than maxplaybackrate, so nobody sends more
    playback_hz = _number(parameters.get("maxplaybackrate", ""))
    if playback_hz is not None and playback_hz < _SUPER_WIDEBAND_HZ:
        return _OPUS_NARROW
    if packet is None:
        return _OPUS_NONE
    kbps = packet.kbps
    return codecs.OPUS.get(max((rate for rate in codecs.OPUS if rate <= kbps), default=0.0), _OPUS_NONE)


def _number(text: str) -> float | None:
    return float(text) if text.isascii() and text.replace(".", "", 1).isdecimal() else None


_AMR_ROWS: Final = {12.2: codecs.AMR_122, 7.4: codecs.AMR_74}
_AMR_NONE: Final = unrated("AMR", "G.113 has no value for AMR, and its mode is not 12.2 or 7.4 kbit/s, or not known")
_AMR_WB_NONE: Final = unrated("AMR-WB", "the mode is not known, neither from SDP nor from the packets")
_EVS_NONE: Final = unrated("EVS", "the bitrate is not known, or below 9.6 kbit/s, where the values of G.113 begin")
_EVS_NOT_SWB: Final = unrated("EVS", "G.113 has values for EVS in super-wideband only")
_OPUS_NONE: Final = unrated(
    "OPUS", "G.113 has no value for Opus, nor for a neighbour at this bitrate (below 9.6 kbit/s)"
)
_OPUS_NARROW: Final = unrated(
    "OPUS", "SDP limits Opus to a narrower band than its neighbour EVS-SWB; G.113 has no other"
)

# By encoding name and RTP clock rate, as SDP gives them.
_ROWS: Final[Mapping[tuple[str, int], CodecRating | _Choose]] = {
    ("PCMU", 8000): codecs.G711,
    ("PCMA", 8000): codecs.G711,
    ("G729", 8000): _g729,
    ("G729A", 8000): _g729,  # a name that was never registered, but is seen
    ("G723", 8000): _g723,
    ("GSM-EFR", 8000): codecs.GSM_EFR,
    ("GSM", 8000): codecs.GSM_FR,
    ("GSM-HR-08", 8000): codecs.GSM_HR,
    **{
        (f"{family}G726-{kbps}", 8000): row
        for family in ("", "AAL2-")
        for kbps, row in ((40, codecs.G726_40), (32, codecs.G726_32), (24, codecs.G726_24), (16, codecs.G726_16))
    },
    ("G728", 8000): codecs.G728,
    **{(name, 8000): codecs.EVRC for name in ("EVRC", "EVRC0", "EVRC1")},
    ("AMR", 8000): _amr,
    ("G722", 8000): codecs.G722,
    ("G7221", 16000): _g7221,
    ("AMR-WB", 16000): _amr_wb,
    ("EVS", 16000): _evs,
    ("OPUS", 48000): _opus,
}
WITHOUT_A_VALUE: Final[Mapping[str, str]] = {
    "ILBC": "G.113 has no value for iLBC",
    "SPEEX": "G.113 has no value for Speex",
    "L16": "G.113 has no value for linear PCM",
    "QCELP": "G.113 has no value for QCELP at 13 kbit/s",
    "G7221": "G.113 has a value for G.722.1 at 16 kHz only",
}
