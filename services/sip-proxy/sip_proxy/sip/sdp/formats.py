"""RTP payload formats: what a=rtpmap and a=fmtp say, and the static types of RFC 3551 where they say nothing."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import lru_cache

from sip_proxy.sip.grammar import parse_number

MAX_CLOCK_RATE = 192_000
MAX_CHANNELS = 8
MAX_PAYLOAD_TYPE = 127

_match_rtpmap = re.compile(r"([0-9]++) ++([A-Za-z0-9_.+\-]{1,64})/([0-9]++)(?:/([0-9]++))? *+").fullmatch

# RFC 3551 tables 4 and 5: encoding, clock rate, channels. G722 says 8000 although it samples at 16000.
_STATIC = {
    0: ("PCMU", 8000, 1),
    3: ("GSM", 8000, 1),
    4: ("G723", 8000, 1),
    5: ("DVI4", 8000, 1),
    6: ("DVI4", 16000, 1),
    7: ("LPC", 8000, 1),
    8: ("PCMA", 8000, 1),
    9: ("G722", 8000, 1),
    10: ("L16", 44100, 2),
    11: ("L16", 44100, 1),
    12: ("QCELP", 8000, 1),
    13: ("CN", 8000, 1),
    14: ("MPA", 90000, 1),
    15: ("G728", 8000, 1),
    16: ("DVI4", 11025, 1),
    17: ("DVI4", 22050, 1),
    18: ("G729", 8000, 1),
    25: ("CELB", 90000, 1),
    26: ("JPEG", 90000, 1),
    28: ("NV", 90000, 1),
    31: ("H261", 90000, 1),
    32: ("MPV", 90000, 1),
    33: ("MP2T", 90000, 1),
    34: ("H263", 90000, 1),
}


@dataclass(frozen=True, slots=True)
class Format:
    """One payload type. `encoding` is upper case; `fmtp` is what follows the payload type in a=fmtp, as written.

    `written` is the value of its a=rtpmap: names are case-insensitive, but not everybody knows.
    """

    payload_type: int
    encoding: str
    clock_rate: int
    channels: int = 1
    fmtp: str | None = None
    written: str | None = field(default=None, compare=False)

    @property
    def rtpmap(self) -> str:
        """The value for an a=rtpmap of our own."""
        channels = f"/{self.channels}" if self.channels > 1 else ""
        return self.written or f"{self.payload_type} {self.encoding}/{self.clock_rate}{channels}"


def parse_formats(payload_types: Iterable[int], rtpmaps: Iterable[str], fmtps: Iterable[str]) -> tuple[Format, ...]:
    """The formats of one media description in order of preference; a dynamic type without a usable rtpmap is none."""
    mapped = {item.payload_type: item for item in map(_parse_rtpmap, rtpmaps) if item is not None}
    parameters = {number: rest for number, _, rest in (text.partition(" ") for text in fmtps)}
    formats = []
    for payload_type in dict.fromkeys(payload_types):
        known = mapped.get(payload_type) or _static(payload_type)
        if known is not None:
            fmtp = parameters.get(str(payload_type))
            formats.append(known if fmtp is None else replace(known, fmtp=fmtp))
    return tuple(formats)


def _static(payload_type: int) -> Format | None:
    known = _STATIC.get(payload_type)
    return None if known is None else Format(payload_type, *known)


# All devices say the same few.
@lru_cache(maxsize=512)
def _parse_rtpmap(text: str) -> Format | None:
    found = _match_rtpmap(text)
    if found is None:
        return None
    payload_type = parse_number(found[1], MAX_PAYLOAD_TYPE)
    clock_rate = parse_number(found[3], MAX_CLOCK_RATE)
    channels = parse_number(found[4] or "1", MAX_CHANNELS)
    if payload_type is None or not clock_rate or not channels:
        return None
    return Format(payload_type, found[2].upper(), clock_rate, channels, written=text)
