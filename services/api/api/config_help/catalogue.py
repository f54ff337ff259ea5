"""Reads the devices of `devices/*.toml`: what each is called, what it can, and the templates of its configuration.

A device is data, never code. Its templates are Jinja2; in them a line that begins with `?` is one that nobody has seen
work on the device yet.
"""

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Transport = Literal["udp", "tcp", "tls"]
Confidence = Annotated[
    Literal["tried", "documented", "unverified"],
    Field(description="tried: with this monitor; documented: by its maker; unverified: nobody has seen it work"),
]
FOLDER = Path(__file__).parent
TRANSPORTS: tuple[Transport, ...] = ("udp", "tcp", "tls")


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Words(_Frozen):
    """The same in the languages of the page."""

    en: str
    it: str


class Note(Words):
    """Something to know, of some transports."""

    transports: tuple[Transport, ...] = TRANSPORTS


class Check(Words):
    """A way to see that it works."""

    id: Literal["registered", "echo", "codec", "spoken"]


class General(_Frozen):
    """What holds for every device."""

    notes: tuple[Note, ...]
    checks: tuple[Check, ...] = Field(description="how to see that it works, in this order")


class Part(_Frozen):
    """One file, page or command line of a device."""

    where: Words = Field(description="where the text belongs")
    template: str
    transports: tuple[Transport, ...] = Field(default=TRANSPORTS, description="of which it is needed")


class Device(_Frozen):
    """What we know of configuring a device."""

    id: str
    name: str
    kind: Literal["gateway", "adapter", "phone", "softphone", "pbx"]
    confidence: Confidence
    transports: tuple[Transport, ...] = Field(min_length=1)
    parts: tuple[Part, ...] = Field(min_length=1)
    notes: tuple[Note, ...] = ()


@cache
def devices() -> Mapping[str, Device]:
    """All devices by their id, in the order of their names."""
    found = [
        Device.model_validate({"id": path.stem, **tomllib.loads(path.read_text("utf-8"))})
        for path in (FOLDER / "devices").glob("*.toml")
    ]
    return {device.id: device for device in sorted(found, key=lambda device: device.name.lower())}


@cache
def general() -> General:
    """What holds for every device."""
    return General.model_validate(tomllib.loads((FOLDER / "general.toml").read_text("utf-8")))
