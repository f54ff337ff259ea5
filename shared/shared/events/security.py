"""`vqm:security`: what an operator or fail2ban wants to know. The names are Asterisk's security event names."""

from typing import Literal

from pydantic import Field

from shared.events.base import CallId, Event, HostPort, Transport


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


SECURITY = (
    ChallengeSent,
    ChallengeResponseFailed,
    InvalidAccountID,
    InvalidPassword,
    SuccessfulAuth,
    RequestBadFormat,
    RequestNotAllowed,
)
