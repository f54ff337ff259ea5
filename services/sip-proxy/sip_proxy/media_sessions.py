"""What the two parties of one dialog said of their media (RFC 3264), and what the relay must be told of it."""

from collections.abc import Iterable, Sequence

from pydantic import Field

from shared.events import MediaLeg, Party, PayloadFormat, Value
from sip_proxy.sip.sdp import Format, Media, SessionDescription

FAX = "T38"


def other(party: Party) -> Party:
    return "callee" if party == "caller" else "caller"


class Side(Value):
    """What one party said of itself last."""

    address: str | None  # None: nowhere, or a name that is no IP address
    port: int | None
    rtcp_port: int | None
    signalling_address: str
    formats: tuple[PayloadFormat, ...]
    ptime_ms: float | None
    sends: bool
    held: bool  # the other one is to stop sending
    encrypted: bool


class MediaSession(Value):
    """The media of one dialog as its latest offer and answer have it."""

    # which m= line is relayed: offer and answer have the same lines in the same order (RFC 3264 6)
    index: int | None = None
    sides: dict[Party, Side] = Field(default_factory=dict)
    codec: str | None = None  # the first audio codec of the latest description; FAX while there is a fax instead
    relayed: bool = True  # False: no audio that the relay could carry

    @property
    def on_hold(self) -> bool:
        return self.relayed and any(side.held or not side.sends for side in self.sides.values())

    @property
    def encrypted(self) -> bool:
        return any(side.encrypted for side in self.sides.values())

    def line(self, description: SessionDescription, *, is_answer: bool) -> Media | None:
        """The m= line that is relayed: an offer chooses it, the same as before where it can, and its answer follows."""
        lines = [media for media in description.audio if media.active and media.relayable]
        same = [media for media in lines if media.index == self.index]
        if same or (is_answer and self.index is not None):
            return same[0] if same else None
        return lines[0] if lines else None

    def described(
        self, party: Party, description: SessionDescription, signalling_address: str, *, is_answer: bool
    ) -> "MediaSession":
        """The session after `party` has described its side."""
        media = self.line(description, is_answer=is_answer)
        if media is None:
            return self.model_copy(update={"relayed": False, "codec": _unrelayed(description) or self.codec})
        return self.taken(party, media, media.formats, signalling_address)

    def taken(self, party: Party, media: Media, formats: Sequence[Format], signalling_address: str) -> "MediaSession":
        """The session after `party` has described this m= line, of whose formats these count."""
        nowhere = media.address in ("0.0.0.0", "::")  # a hold of old (RFC 3264 8.4)
        side = Side(
            address=None if nowhere else media.address,
            port=None if nowhere else media.port,
            rtcp_port=None if nowhere else media.rtcp_port,
            signalling_address=signalling_address,
            formats=tuple(map(_payload_format, formats)),
            ptime_ms=media.ptime_ms,
            sends=media.sends,
            held=media.held,
            encrypted=media.encrypted,
        )
        return MediaSession(
            index=media.index, sides={**self.sides, party: side}, codec=_codec(formats) or self.codec, relayed=True
        )

    def leg(self, party: Party, port: int) -> MediaLeg:
        """Our port towards a party, with all the relay must know of that party."""
        side = self.sides.get(party)
        if side is None:
            return MediaLeg(party=party, port=port, formats=self._may_send(party))
        return MediaLeg(
            party=party,
            port=port,
            remote_address=side.address,
            remote_port=side.port,
            remote_rtcp_port=side.rtcp_port,
            signalling_address=side.signalling_address,
            formats=self._may_send(party),
            ptime_ms=side.ptime_ms,
            sends=side.sends,
            encrypted=side.encrypted,
        )

    def _may_send(self, party: Party) -> tuple[PayloadFormat, ...]:
        """RFC 3264 5.1: a sender uses the numbers of the receiver's SDP; its own fill the gaps, as some do it wrong."""
        theirs = self._formats(other(party))
        taken = {known.payload_type for known in theirs}
        return (*theirs, *(own for own in self._formats(party) if own.payload_type not in taken))

    def _formats(self, party: Party) -> tuple[PayloadFormat, ...]:
        side = self.sides.get(party)
        return () if side is None else side.formats


def _payload_format(known: Format) -> PayloadFormat:
    return PayloadFormat(
        payload_type=known.payload_type,
        encoding=known.encoding,
        clock_rate=known.clock_rate,
        channels=known.channels,
    )


def _codec(formats: Iterable[Format]) -> str | None:
    named = (known.encoding for known in formats if known.encoding not in ("TELEPHONE-EVENT", "CN"))
    return next(named, None)


def _unrelayed(description: SessionDescription) -> str | None:
    """What runs past the relay: a fax, or audio in a protocol that it cannot carry."""
    for media in description.media:
        if media.active and media.kind == "image":
            return FAX
        if media.active and media.kind == "audio":
            return _codec(media.formats)
    return None
