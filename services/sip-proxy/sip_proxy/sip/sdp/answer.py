"""The answer of our own extensions to an offer (RFC 3264 6): one audio stream, one codec, everything else declined."""

from collections.abc import Sequence
from dataclasses import dataclass

from sip_proxy.sip.errors import NothingAcceptable
from sip_proxy.sip.sdp.description import Direction, Media, SessionDescription
from sip_proxy.sip.sdp.formats import Format
from sip_proxy.sip.sdp.rewrite import address_family, connection_line

# RFC 3264 6.1, seen from the answerer
_ANSWERED_DIRECTIONS: dict[Direction, Direction] = {
    "sendrecv": "sendrecv",
    "sendonly": "recvonly",
    "recvonly": "sendonly",
    "inactive": "inactive",
}
_EVENTS = "TELEPHONE-EVENT"


@dataclass(frozen=True, slots=True)
class Answer:
    """The body to send, and what it agrees on: the accepted media of the offer and the formats, the codec first."""

    body: bytes
    media: Media
    formats: tuple[Format, ...]


def answer_for(
    offer: SessionDescription,
    *,
    address: str,
    port: int,
    encodings: Sequence[str],
    session_id: int,
    version: int = 1,
    prefer_ours: bool = False,
) -> Answer:
    """Answers the first audio stream of the offer that has one of `encodings`; raises NothingAcceptable.

    The offer's order decides which, or ours with `prefer_ours`. Payload types are the offer's. Encrypted media is
    declined, as we have no keys. `version` has to grow with every answer of a session that differs from the last.
    """
    for media in offer.audio:
        codec = _choose(media, encodings, prefer_ours) if _can_take(media) else None
        if codec is not None:
            formats = (codec, *_events_for(media, codec))
            break
    else:
        raise NothingAcceptable("no audio format of the offer can be answered")
    lines = [
        "v=0",
        f"o=- {session_id} {version} IN {address_family(address)} {address}",
        "s=-",
        connection_line(address),
        *_times(offer),
    ]
    for other in offer.media:
        lines += _accepted(media, formats, port) if other is media else [_declined(other)]
    return Answer(("\r\n".join(lines) + "\r\n").encode("utf-8", "surrogateescape"), media, formats)


def _can_take(media: Media) -> bool:
    return media.active and media.is_rtp and not media.encrypted


def _choose(media: Media, encodings: Sequence[str], prefer_ours: bool) -> Format | None:
    offered = [item for item in media.formats if item.encoding in encodings]
    if prefer_ours:
        offered.sort(key=lambda item: encodings.index(item.encoding))
    return offered[0] if offered else None


def _events_for(media: Media, codec: Format) -> list[Format]:
    """RFC 4733 2.1: events share the stream, hence the clock, of the audio that they interrupt."""
    return [item for item in media.formats if item.encoding == _EVENTS and item.clock_rate == codec.clock_rate][:1]


def _times(offer: SessionDescription) -> list[str]:
    # RFC 3264 6: the answer repeats the times of the offer
    return [line for line in offer.lines[: offer.session_end] if line.startswith("t=")] or ["t=0 0"]


def _accepted(media: Media, formats: Sequence[Format], port: int) -> list[str]:
    listed = " ".join(str(item.payload_type) for item in formats)
    lines = [f"m=audio {port} {media.proto} {listed}"]
    for item in formats:
        lines.append(f"a=rtpmap:{item.rtpmap}")
        if item.fmtp is not None:
            lines.append(f"a=fmtp:{item.payload_type} {item.fmtp}")
    if media.ptime_ms is not None:
        lines.append(f"a=ptime:{media.ptime_ms:g}")
    # Nothing may be sent to 0.0.0.0, whatever the direction says (RFC 3264 8.4)
    direction: Direction = "sendonly" if media.held and media.direction == "sendrecv" else media.direction
    return [*lines, f"a={_ANSWERED_DIRECTIONS[direction]}"]


def _declined(media: Media) -> str:
    return f"m={media.kind} 0 {media.proto} {' '.join(media.format_list)}"
