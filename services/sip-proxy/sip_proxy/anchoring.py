"""The media of a call, led through a relay worker: what its SDP tells the worker, and what ours tells the parties.

A value, kept in the call's record, so that any replica can carry on. Our port towards a party never changes.
"""

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field

from shared.events import Impairment, Language, MediaAssigned, MediaLeg, MediaUpdated, Party, PayloadFormat, Value
from sip_proxy.sip.sdp import Format, Media, SessionDescription, rewrite

Mode = Literal["relay", "echo", "tone", "announce"]


def other(party: Party) -> Party:
    return "callee" if party == "caller" else "caller"


class Anchor(Value):
    """Where the media of a call runs: one worker, one port towards each party that it serves."""

    worker: str
    address: str
    media_id: str
    mode: Mode
    legs: tuple[MediaLeg, ...]
    impairment: Impairment | None = None  # of an echo
    language: Language = "en"  # of an announcement
    # which m= line is relayed: offer and answer have the same lines in the same order (RFC 3264 6)
    index: int | None = None
    described: dict[Party, tuple[PayloadFormat, ...]] = Field(default_factory=dict)
    codec: str | None = None  # the first audio codec of the latest answer or offer
    on_hold: bool = False

    def leg(self, party: Party) -> MediaLeg:
        """Our side towards a party."""
        return next(leg for leg in self.legs if leg.party == party)

    def learned(self, party: Party, description: SessionDescription, signalling_address: str) -> "Anchor":
        """The anchor after `party` has described its side."""
        media = self.media_of(description)
        return self if media is None else self._described(party, media, media.formats, signalling_address)

    def agreed(self, media: Media, formats: Sequence[Format], signalling_address: str) -> "Anchor":
        """The anchor of a call that we answer ourselves: the caller's media, and the formats of it that we took."""
        return self._described("caller", media, formats, signalling_address)

    def _described(self, party: Party, media: Media, formats: Sequence[Format], signalling_address: str) -> "Anchor":
        described = {**self.described, party: tuple(map(_payload_format, formats))}
        legs = tuple(_described_leg(leg, media, signalling_address) if leg.party == party else leg for leg in self.legs)
        return self.model_copy(
            update={
                "index": media.index,
                "described": described,
                "legs": tuple(leg.model_copy(update={"formats": _may_send(leg.party, described)}) for leg in legs),
                "codec": _codec(formats) or self.codec,
                "on_hold": media.held or not media.sends,
            }
        )

    def media_of(self, description: SessionDescription) -> Media | None:
        """The m= line that is relayed: the first audio of the first description, and the same line ever after."""
        candidates = [media for media in description.audio if media.active and media.is_rtp]
        if self.index is not None:
            candidates = [media for media in candidates if media.index == self.index]
        return candidates[0] if candidates else None

    def rewritten(self, party: Party, description: SessionDescription) -> bytes:
        """The SDP of `party` as the other party may see it: media comes to our port towards the other."""
        media = self.media_of(description)
        ports = {} if media is None else {media.index: self.leg(other(party)).port}
        return rewrite(description, self.address, ports)

    def assigned(self, call_id: str, at: float) -> MediaAssigned:
        return MediaAssigned(at=at, call_id=call_id, **self._orders())

    def updated(self, call_id: str, at: float) -> MediaUpdated:
        return MediaUpdated(at=at, call_id=call_id, **self._orders())

    def _orders(self) -> dict[str, Any]:
        """What the worker is told."""
        return {name: getattr(self, name) for name in ("media_id", "mode", "legs", "impairment", "language")}


def _described_leg(leg: MediaLeg, media: Media, signalling_address: str) -> MediaLeg:
    nowhere = media.address in ("0.0.0.0", "::")  # a hold of old (RFC 3264 8.4)
    return leg.model_copy(
        update={
            "remote_address": None if nowhere else media.address,
            "remote_port": None if nowhere else media.port,
            "remote_rtcp_port": None if nowhere else media.rtcp_port,
            "signalling_address": signalling_address,
            "ptime_ms": media.ptime_ms,
            "sends": media.sends,
            "listens": media.direction in ("sendrecv", "recvonly") and not nowhere,
        }
    )


def _may_send(party: Party, described: dict[Party, tuple[PayloadFormat, ...]]) -> tuple[PayloadFormat, ...]:
    """RFC 3264 5.1: a sender uses the numbers of the receiver's SDP; its own fill the gaps, as some do it wrong."""
    theirs = described.get(other(party), ())
    taken = {known.payload_type for known in theirs}
    return (*theirs, *(own for own in described.get(party, ()) if own.payload_type not in taken))


def _payload_format(known: Format) -> PayloadFormat:
    return PayloadFormat(
        payload_type=known.payload_type,
        encoding=known.encoding,
        clock_rate=known.clock_rate,
        channels=known.channels,
    )


def _codec(formats: Sequence[Format]) -> str | None:
    named = (known.encoding for known in formats if known.encoding not in ("TELEPHONE-EVENT", "CN"))
    return next(named, None)
