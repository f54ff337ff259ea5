"""What can be wrong with what a peer sends. All of it is their fault: answer or drop, log, go on.

SipParseError            a message or header field that is no SIP
└── SipUriError          a URI that is no URI
    └── UnsupportedScheme  a URI that may be fine, but is neither sip: nor sips:  (416)
SdpError                 a session description that is no SDP
└── NothingAcceptable    a good offer without any format that we can answer       (488)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sip_proxy.sip.message import Request


class SipParseError(Exception):
    """`status` is what a server answers (None: drop silently); `partial` is what can be answered, if anything.

    `partial` holds the Via, From, To, Call-ID and CSeq that could be read, for `response_to`; each of them may be
    missing or malformed, so send the response to where the request came from.
    """

    def __init__(self, status: int | None, reason: str, partial: Request | None = None) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.partial = partial


class SipUriError(SipParseError):
    """The text is no URI."""

    def __init__(self, reason: str, status: int = 400) -> None:
        super().__init__(status, reason)


class UnsupportedScheme(SipUriError):
    """The URI has a scheme that this server does not route (RFC 3261 8.2.2.1)."""

    def __init__(self, scheme: str) -> None:
        super().__init__("Unsupported URI Scheme", status=416)
        self.scheme = scheme


class SdpError(Exception):
    """The body is no session description that could be anchored."""


class NothingAcceptable(SdpError):
    """The offer has no audio that we can answer."""
