"""What every event has: a type named after its class, the call it belongs to, and the moment it happened."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

LAST_EPOCH = 253_402_300_799.0  # 9999-12-31T23:59:59Z: later moments have no RFC 3339 form
Epoch = Annotated[float, Field(description="seconds since 1970-01-01T00:00:00Z", ge=0, le=LAST_EPOCH)]
CallId = Annotated[str, Field(description="the SIP Call-ID", min_length=1, max_length=512)]
Aor = Annotated[str, Field(description="address of record, `user@domain`", max_length=512)]
HostPort = Annotated[str, Field(description="`address:port`; IPv6 in brackets", max_length=64)]

Transport = Annotated[Literal["udp", "tcp", "tls"], Field(description="what SIP travelled over")]


class Value(BaseModel):
    """A frozen part of an event. Unknown fields are ignored, so that an older reader survives a newer writer."""

    model_config = ConfigDict(frozen=True, extra="ignore", ser_json_inf_nan="null")


class Event(Value):
    """A fact about the past. `type` is added by each class; it is the class name."""

    at: Epoch

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        field = cls.model_fields.get("type")
        if field is not None and field.default != cls.__name__:
            raise TypeError(f"{cls.__name__}.type must default to {cls.__name__!r}")
