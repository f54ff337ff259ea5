"""`vqm:security`: what an operator or fail2ban wants to know.

The names are Asterisk's security event names. Asterisk has none for what it does not see by itself: FloodDetected,
ScannerDetected, SourceBanned and SourceUnbanned are ours.
"""

from typing import Literal

from pydantic import Field

from shared.events.base import CallId, Epoch, Event, HostPort, Transport


class _SecurityEvent(Event):
    source: HostPort = Field(description="who sent it; over UDP this can be forged")
    transport: Transport
    method: str | None = Field(default=None, max_length=64, description="of the request, if it was one")
    account: str | None = Field(default=None, max_length=256, description="the user name that was claimed, if any")
    call_id: CallId | None = Field(default=None, description="the SIP Call-ID, where there is one")


class ChallengeSent(_SecurityEvent):
    """A request without credentials was answered 401 or 407."""

    type: Literal["ChallengeSent"] = "ChallengeSent"


class ChallengeResponseFailed(_SecurityEvent):
    """Credentials that could not be checked: wrong nonce, realm, URI or syntax."""

    type: Literal["ChallengeResponseFailed"] = "ChallengeResponseFailed"
    reason: str = Field(max_length=256, description="what was wrong, in words")


class InvalidAccountID(_SecurityEvent):
    """Credentials for an account that does not exist. The answer is the same as for a wrong password."""

    type: Literal["InvalidAccountID"] = "InvalidAccountID"


class InvalidPassword(_SecurityEvent):
    """Credentials with a wrong password."""

    type: Literal["InvalidPassword"] = "InvalidPassword"


class SuccessfulAuth(_SecurityEvent):
    """Credentials that were right."""

    type: Literal["SuccessfulAuth"] = "SuccessfulAuth"


class RequestBadFormat(_SecurityEvent):
    """Bytes on a SIP port that are not a valid SIP message. Bursts from one source are summed up in `count`."""

    type: Literal["RequestBadFormat"] = "RequestBadFormat"
    reason: str = Field(max_length=256, description="what was wrong, in words")
    count: int = Field(default=1, ge=1, description="how many, since the last such event of this source")


class RequestNotAllowed(_SecurityEvent):
    """A well-formed request that our rules refuse."""

    type: Literal["RequestNotAllowed"] = "RequestNotAllowed"
    reason: str = Field(max_length=256, description="what was wrong, in words")


class UnexpectedAddress(_SecurityEvent):
    """A request inside a call, right by its tags, from an address that is none of that party's, and not signed."""

    type: Literal["UnexpectedAddress"] = "UnexpectedAddress"
    reason: str = Field(max_length=256, description="what was wrong, in words")


class InvalidTransport(_SecurityEvent):
    """Right credentials over a transport that this account may not use."""

    type: Literal["InvalidTransport"] = "InvalidTransport"
    reason: str = Field(max_length=256, description="what was wrong, in words")


class SessionLimit(_SecurityEvent):
    """A call beyond what this account may have at once, or in a day."""

    type: Literal["SessionLimit"] = "SessionLimit"
    reason: str = Field(max_length=256, description="which limit")


class FloodDetected(_SecurityEvent):
    """Messages beyond what their source may send, dropped unread. Summed up in `count`."""

    type: Literal["FloodDetected"] = "FloodDetected"
    reason: str = Field(max_length=256, description="which limit")
    count: int = Field(default=1, ge=1, description="how many, since the last such event of this source")


class ScannerDetected(_SecurityEvent):
    """A request of a known scanner, dropped without an answer."""

    type: Literal["ScannerDetected"] = "ScannerDetected"
    reason: str = Field(max_length=256, description="what gave it away")


class SourceBanned(_SecurityEvent):
    """Nothing from this address (IPv6: its /64) is read any more, until the ban is over or lifted."""

    type: Literal["SourceBanned"] = "SourceBanned"
    reason: str = Field(max_length=256, description="what for")
    until: Epoch = Field(description="when it ends by itself")


class SourceUnbanned(_SecurityEvent):
    """A ban is over."""

    type: Literal["SourceUnbanned"] = "SourceUnbanned"
    reason: str = Field(max_length=256, description="how it ended")


SECURITY = (
    ChallengeSent,
    ChallengeResponseFailed,
    InvalidAccountID,
    InvalidPassword,
    SuccessfulAuth,
    RequestBadFormat,
    RequestNotAllowed,
    UnexpectedAddress,
    InvalidTransport,
    SessionLimit,
    FloodDetected,
    ScannerDetected,
    SourceBanned,
    SourceUnbanned,
)
