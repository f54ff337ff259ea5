"""Session descriptions (RFC 8866) as lists of lines: read what matters, change only what must change."""

from sip_proxy.sip.errors import NothingAcceptable, SdpError
from sip_proxy.sip.sdp.answer import Answer, answer_for
from sip_proxy.sip.sdp.description import Direction, Media, SessionDescription
from sip_proxy.sip.sdp.formats import Format
from sip_proxy.sip.sdp.rewrite import rewrite

__all__ = [
    "Answer",
    "Direction",
    "Format",
    "Media",
    "NothingAcceptable",
    "SdpError",
    "SessionDescription",
    "answer_for",
    "rewrite",
]
