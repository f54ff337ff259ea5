"""`vqm:gateways`: whether registered contacts answer OPTIONS, and how fast."""

from typing import Literal

from pydantic import Field

from shared.events.base import Aor, Epoch, Event, HostPort, Transport


class _GatewayEvent(Event):
    aor: Aor
    contact: str = Field(max_length=1024, description="the Contact URI as the device registered it")
    source: HostPort = Field(description="where the probe was sent: where its REGISTER came from (NAT)")
    transport: Transport


class GatewayProbed(_GatewayEvent):
    """One OPTIONS was sent to a contact. Any final answer shows that it lives, whatever its code."""

    type: Literal["GatewayProbed"] = "GatewayProbed"
    code: int | None = Field(default=None, ge=200, le=699, description="of the answer; null: there was none")
    rtt_ms: float | None = Field(
        default=None,
        ge=0,
        description="round-trip time; null without an answer, and over UDP when it had to be sent again, as nobody "
        "knows then what was answered",
    )


class GatewayUp(_GatewayEvent):
    """It answers, after it did not, or for the first time."""

    type: Literal["GatewayUp"] = "GatewayUp"
    rtt_ms: float | None = Field(default=None, ge=0, description="of the last probe")


class GatewayDown(_GatewayEvent):
    """It left several probes in a row without an answer."""

    type: Literal["GatewayDown"] = "GatewayDown"
    lost: int = Field(ge=1, description="probes in a row")
    last_answer_at: Epoch | None = Field(default=None, description="null: it never answered a probe")


GATEWAYS = (GatewayProbed, GatewayUp, GatewayDown)
