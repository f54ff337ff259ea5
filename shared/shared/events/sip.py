"""`vqm:sip`: every SIP message of a call or registration, redacted: the ladder."""

from json.encoder import encode_basestring as quoted
from typing import Literal

from pydantic import Field

from shared.events.base import CallId, Event, HostPort, Transport


class SipMessageSeen(Event):
    """One message that the proxy received or sent, retransmissions included."""

    type: Literal["SipMessageSeen"] = "SipMessageSeen"
    call_id: CallId
    direction: Literal["received", "sent"] = Field(description="seen from us")
    transport: Transport
    local: HostPort = Field(description="our side")
    remote: HostPort = Field(description="the other side")
    method: str = Field(max_length=64, description="of the request, or of the request that a response answers")
    cseq: int = Field(ge=0, le=2**32 - 1, description="sequence number of the CSeq header")
    status: int | None = Field(default=None, ge=100, le=699, description="null for a request")
    reason_phrase: str | None = Field(default=None, max_length=256, description="null for a request")
    text: str = Field(
        max_length=65_536, description="the message; digest responses, nonces and SDES keys are replaced by `***`"
    )


def message_seen(
    *,
    at: float,
    call_id: str,
    direction: Literal["received", "sent"],
    transport: str,
    local: str,
    remote: str,
    method: str,
    cseq: int,
    status: int | None,
    reason_phrase: str | None,
    text: str,
) -> dict[str, str]:
    """The entry of a `SipMessageSeen` with these values, which have to fit its fields (`codec.Draft`)."""
    answer = (
        f'"status":{"null" if status is None else status},'
        f'"reason_phrase":{"null" if reason_phrase is None else quoted(reason_phrase)}'
    )
    data = (
        f'{{"at":{at!r},"type":"SipMessageSeen","call_id":{quoted(call_id)},"direction":"{direction}",'
        f'"transport":"{transport}","local":{quoted(local)},"remote":{quoted(remote)},"method":{quoted(method)},'
        f'"cseq":{cseq},{answer},"text":{quoted(text)}}}'
    )
    return {"type": "SipMessageSeen", "call_id": call_id, "at": f"{at:.6f}", "data": data}


SIP = (SipMessageSeen,)
