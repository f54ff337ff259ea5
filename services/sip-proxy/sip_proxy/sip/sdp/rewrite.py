"""Puts our relay into somebody's session description, and changes nothing that this does not need.

Changed are: the address in c= and o=, the version in o=, the port in m=, a=rtcp; ICE attributes are removed, because
a candidate that is not ours would lead the media past us. Everything else stays verbatim and in order.
"""

import re
from collections.abc import Iterable, Iterator, Mapping

from sip_proxy.sip.sdp.description import Media, SessionDescription, connection_address, is_unspecified

# RFC 8839 5. Without candidates, the rest of them would only make the other side wait for some.
_is_ice = re.compile(r"a=(?:candidate|remote-candidates|end-of-candidates|ice-[a-z0-9\-]++)(?::|\Z)").match
_media_port = re.compile(r"(m=[^ ]++ ++)[0-9]++(?:/[0-9]++)?")
_match_origin = re.compile(r"(o=[^ ]++ ++[^ ]++ ++)([0-9]{1,20})( ++)IN ++IP[46] ++[^ ]++ *+", re.I).fullmatch


def rewrite(description: SessionDescription, address: str, ports: Mapping[int, int]) -> bytes:
    """The body with the media of `ports` (media index to our RTP port) led to `address`, with CRLF line ends.

    Declined media (port 0) and media not in `ports` stay as they are, and so does a hold by 0.0.0.0. The origin is
    changed even then: all descriptions of a session have the same address there, and a version that moves by one
    when the sender's does, and only then (RFC 3264 8).
    """
    anchored = {media.index for media in description.media if media.active and media.index in ports}
    foreign = [media for media in description.media if media.active and media.index not in anchored]
    session = description.lines[: description.session_end]
    # A c= line that media of somebody else relies on stays, and ours get one of their own.
    keep_connection = not anchored or any(not _has_connection(description, media) for media in foreign)
    keep_ice = not anchored or bool(foreign)
    lines = list(_session_lines(session, address, keep_connection=keep_connection, keep_ice=keep_ice))
    needs_connection = (keep_connection or not _connections(session)) and not _is_held(session)
    for media in description.media:
        own = description.lines[media.first : media.end]
        if media.index in anchored:
            own = tuple(_media_lines(own, media, address, ports[media.index], needs_connection))
        lines += own
    return ("\r\n".join(lines) + "\r\n").encode("utf-8", "surrogateescape")


def connection_line(address: str) -> str:
    return f"c=IN {address_family(address)} {address}"


def address_family(address: str) -> str:
    return "IP6" if ":" in address else "IP4"


def _session_lines(lines: Iterable[str], address: str, *, keep_connection: bool, keep_ice: bool) -> Iterator[str]:
    for line in lines:
        if line.startswith("o="):
            yield _new_origin(line, address)
        elif line.startswith("c=") and not keep_connection:
            yield _new_connection(line, address)
        elif keep_ice or not _is_ice(line):
            yield line


def _media_lines(lines: Iterable[str], media: Media, address: str, port: int, needs_connection: bool) -> Iterator[str]:
    title_ended = not (needs_connection and not _connections(lines))
    for at, line in enumerate(lines):
        if not title_ended and at > 0 and not line.startswith("i="):
            yield connection_line(address)
            title_ended = True
        if at == 0:
            yield _media_port.sub(rf"\g<1>{port}", line, count=1)
        elif line.startswith("c="):
            yield _new_connection(line, address)
        elif line.startswith("a=rtcp:"):
            # RFC 5761 5.1.3: a multiplexing peer names the RTP port here
            yield f"a=rtcp:{port if media.rtcp_port == media.port else port + 1}"
        elif not _is_ice(line):
            yield line
    if not title_ended:
        yield connection_line(address)


def _new_connection(line: str, address: str) -> str:
    return line if _is_held([line]) else connection_line(address)


def _new_origin(line: str, address: str) -> str:
    found = _match_origin(line)
    if found is None:
        return line
    version = int(found[2]) + 1  # our side never changes by itself: always the same step
    return f"{found[1]}{version}{found[3]}IN {address_family(address)} {address}"


def _connections(lines: Iterable[str]) -> list[str]:
    return [line for line in lines if line.startswith("c=")]


def _has_connection(description: SessionDescription, media: Media) -> bool:
    return bool(_connections(description.lines[media.first : media.end]))


def _is_held(lines: Iterable[str]) -> bool:
    """RFC 3264 8.4: a connection to 0.0.0.0 asks for silence; our address there would undo it."""
    return any(is_unspecified(connection_address(line)) for line in _connections(lines))
