"""What the two parties of one dialog said of their media (RFC 3264), and what the relay must be told of it."""

from collections.abc import Iterable, Sequence
from functools import lru_cache

from pydantic import Field

from shared.events import MediaLeg, Party, PayloadFormat, Value
from shared.events.media import MAX_FMTP
from sip_proxy.sip.sdp import Format, Media, SessionDescription

FAX = "T38"
MAX_LINES = 4  # in which one stream may be offered; phones do it in two


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
    listens: bool
    held: bool  # the other one is to stop sending
    encrypted: bool


class MediaSession(Value):
    """The media of one dialog as its latest offer and answer have it.

    An offer may have one audio stream in several m= lines, encrypted and plain, of which its answer takes one. Offer
    and answer have the same lines in the same order (RFC 3264 6).
    """

    lines: tuple[int, ...] = ()  # those of the latest offer that are led through the relay
    index: int | None = None  # the one of them that counts
    sides: dict[Party, dict[int, Side]] = Field(default_factory=dict)  # by line
    codec: str | None = None  # the first audio codec of the latest description; FAX while there is a fax instead
    relayed: bool = True  # False: no audio that the relay could carry

    @property
    def on_hold(self) -> bool:
        sides = (self.side("caller"), self.side("callee"))
        return self.relayed and any(side is not None and (side.held or not side.sends) for side in sides)

    @property
    def encrypted(self) -> bool:
        return any(side is not None and side.encrypted for side in (self.side("caller"), self.side("callee")))

    def side(self, party: Party) -> Side | None:
        """What a party said of the line that counts."""
        return None if self.index is None else self.sides.get(party, {}).get(self.index)

    def relayed_lines(self, description: SessionDescription, *, is_answer: bool) -> tuple[Media, ...]:
        """The m= lines that are led through the relay, the one that counts first.

        An offer chooses it, the same as before where it can; its answer keeps to what was offered.
        """
        able = [media for media in description.audio if media.active and media.relayable]
        if is_answer and self.lines:
            return tuple(media for media in able if media.index in self.lines)
        if not able:
            return ()
        chosen = next((media for media in able if media.index == self.index), able[0])
        alternatives = [media for media in able if media is not chosen and _is_alternative(media, chosen)]
        return (chosen, *alternatives[: MAX_LINES - 1])

    def described(
        self, party: Party, description: SessionDescription, signalling_address: str, *, is_answer: bool
    ) -> "MediaSession":
        """The session after `party` has described its side."""
        lines = self.relayed_lines(description, is_answer=is_answer)
        if not lines:
            return self.model_copy(update={"relayed": False, "codec": _unrelayed(description) or self.codec})
        session = self.taken(party, lines, lines[0].formats, signalling_address)
        return session.model_copy(update={"lines": self.lines}) if is_answer and self.lines else session

    def taken(
        self, party: Party, lines: Sequence[Media], formats: Sequence[Format], signalling_address: str
    ) -> "MediaSession":
        """The session after `party` has described these m= lines, of the first of which these formats count."""
        sides = {media.index: _side(media, media.formats, signalling_address) for media in lines}
        sides[lines[0].index] = _side(lines[0], formats, signalling_address)
        return MediaSession(
            lines=tuple(media.index for media in lines),
            index=lines[0].index,
            sides={**self.sides, party: sides},
            codec=_codec(formats) or self.codec,
            relayed=True,
        )

    def leg(self, party: Party, port: int) -> MediaLeg:
        """Our port towards a party, with all the relay must know of that party."""
        side = self.side(party)
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
            listens=side.listens,
            encrypted=side.encrypted,
        )

    def _may_send(self, party: Party) -> tuple[PayloadFormat, ...]:
        """RFC 3264 5.1: a sender uses the numbers of the receiver's SDP; its own fill the gaps, as some do it wrong."""
        theirs = self._formats(other(party))
        taken = {known.payload_type for known in theirs}
        return (*theirs, *(own for own in self._formats(party) if own.payload_type not in taken))

    def _formats(self, party: Party) -> tuple[PayloadFormat, ...]:
        side = self.side(party)
        return () if side is None else side.formats


def _side(media: Media, formats: Sequence[Format], signalling_address: str) -> Side:
    nowhere = media.address in ("0.0.0.0", "::")  # a hold of old (RFC 3264 8.4)
    return Side(
        address=None if nowhere else media.address,
        port=None if nowhere else media.port,
        rtcp_port=None if nowhere else media.rtcp_port,
        signalling_address=signalling_address,
        formats=tuple(map(_payload_format, formats)),
        ptime_ms=media.ptime_ms,
        sends=media.sends,
        listens=media.direction in ("sendrecv", "recvonly") and not nowhere,
        held=media.held,
        encrypted=media.encrypted,
    )


def _is_alternative(one: Media, other: Media) -> bool:
    """Whether these are one stream offered twice, as phones do whose encryption is optional."""
    return one.proto.upper() != other.proto.upper() or (one.address, one.port) == (other.address, other.port)


@lru_cache(maxsize=512)
def _payload_format(known: Format) -> PayloadFormat:
    return PayloadFormat(
        payload_type=known.payload_type,
        encoding=known.encoding,
        clock_rate=known.clock_rate,
        channels=known.channels,
        fmtp=known.fmtp if known.fmtp is not None and len(known.fmtp) <= MAX_FMTP else None,
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
