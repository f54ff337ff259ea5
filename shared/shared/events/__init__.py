"""The contract between the services: every fact that travels on Redis Streams, and how it is written there."""

from shared.events.base import Event, Value
from shared.events.calls import CallAnswered, CallEnded, CallRinging, CallStarted, CallUpdated, Party
from shared.events.codec import MalformedEntry, decode, encode
from shared.events.flows import FlowLost, MessageHandedOver, ResponseHandedBack
from shared.events.media import MediaAssigned, MediaLeg, MediaReleased, MediaUpdated, PayloadFormat
from shared.events.metrics import (
    MAX_SLICES_AN_ENTRY,
    Measures,
    MediaStopped,
    Quality,
    Slice,
    SlicesMeasured,
    StreamEnded,
    StreamReport,
    Waterfall,
)
from shared.events.registrations import (
    DeviceRegistered,
    DeviceUnregistered,
    RegistrationExpired,
    RegistrationMoved,
    RegistrationRefreshed,
)
from shared.events.security import (
    ChallengeResponseFailed,
    ChallengeSent,
    InvalidAccountID,
    InvalidPassword,
    RequestBadFormat,
    RequestNotAllowed,
    SuccessfulAuth,
)
from shared.events.sip import SipMessageSeen
from shared.events.streams import (
    CALLS,
    METRICS,
    REGISTRATIONS,
    SECURITY,
    SIP,
    STREAMS,
    Stream,
    flow_stream,
    media_stream,
)

__all__ = [
    "CALLS",
    "MAX_SLICES_AN_ENTRY",
    "METRICS",
    "REGISTRATIONS",
    "SECURITY",
    "SIP",
    "STREAMS",
    "CallAnswered",
    "CallEnded",
    "CallRinging",
    "CallStarted",
    "CallUpdated",
    "ChallengeResponseFailed",
    "ChallengeSent",
    "DeviceRegistered",
    "DeviceUnregistered",
    "Event",
    "FlowLost",
    "InvalidAccountID",
    "InvalidPassword",
    "MalformedEntry",
    "Measures",
    "MediaAssigned",
    "MediaLeg",
    "MediaReleased",
    "MediaStopped",
    "MediaUpdated",
    "MessageHandedOver",
    "Party",
    "PayloadFormat",
    "Quality",
    "RegistrationExpired",
    "RegistrationMoved",
    "RegistrationRefreshed",
    "RequestBadFormat",
    "RequestNotAllowed",
    "ResponseHandedBack",
    "SipMessageSeen",
    "Slice",
    "SlicesMeasured",
    "Stream",
    "StreamEnded",
    "StreamReport",
    "SuccessfulAuth",
    "Value",
    "Waterfall",
    "decode",
    "encode",
    "flow_stream",
    "media_stream",
]
