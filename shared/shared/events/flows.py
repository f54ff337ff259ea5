"""`vqm:flows:<instance>`: what one sip-proxy asks of another, because a device is connected to that one."""

from typing import Annotated, Literal

from pydantic import Field

from shared.events.base import Event, HostPort, Transport

# base64 of the largest message that the parser takes
Octets = Annotated[str, Field(max_length=32_768, description="the message as it is on the wire, base64")]


class _OnFlow(Event):
    by: str = Field(max_length=64, description="the sip-proxy that says so")
    transport: Transport
    local: HostPort = Field(description="the socket of the sip-proxy that has the flow")
    remote: HostPort = Field(description="the device")


class MessageHandedOver(_OnFlow):
    """Send this on your flow."""

    type: Literal["MessageHandedOver"] = "MessageHandedOver"
    octets: Octets


class ResponseHandedBack(_OnFlow):
    """This response came in here; its request is yours, as its top Via says."""

    type: Literal["ResponseHandedBack"] = "ResponseHandedBack"
    octets: Octets


class FlowLost(_OnFlow):
    """What you handed over could not be sent: the connection is gone."""

    type: Literal["FlowLost"] = "FlowLost"


FLOWS = (MessageHandedOver, ResponseHandedBack, FlowLost)
