"""An impaired access line: a small NAT between one phone and the monitor that loses every Nth RTP packet, exactly.

It stands in the way of everything: SIP passes both ways with its addresses translated, as the gateway (ALG) of a home
router does, and so the phone's RTP comes through here too. Only RTP towards the monitor is ever lost.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

from sip_proxy.sip.errors import SdpError, SipParseError
from sip_proxy.sip.headers import parse_name_addr
from sip_proxy.sip.message import Request, Response
from sip_proxy.sip.parser import parse_datagram
from sip_proxy.sip.sdp import SessionDescription, rewrite
from sip_proxy.sip.uri import SipUri, parse_uri

LARGEST_DATAGRAM = 65_535
RTP_HEADER_BYTES = 12  # RFC 3550 5.1
SIP_PORT = 5060  # when a URI names none
ADDRESS_HEADERS = ("Contact", "Route", "Record-Route")


class Address(NamedTuple):
    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class Loss:
    """Decides which RTP packets the line loses: every `nth` (None: none), counted over the life of the line."""

    def __init__(self, nth: int | None) -> None:
        self.nth = nth
        self.forwarded = 0
        self.dropped = 0

    def takes(self, packet: bytes) -> bool:
        """Whether this packet is lost. Packets that are not RTP pass uncounted."""
        if not is_rtp(packet):
            return False
        if self.nth is not None and (self.forwarded + self.dropped + 1) % self.nth == 0:
            self.dropped += 1
            return True
        self.forwarded += 1
        return False


def is_rtp(packet: bytes) -> bool:
    """RTP version 2, and not RTCP on the same port (RFC 5761 4: payload types 64 to 95 there)."""
    return len(packet) >= RTP_HEADER_BYTES and packet[0] >> 6 == 2 and not 64 <= packet[1] & 0x7F <= 95


@dataclass(frozen=True, slots=True)
class Translation:
    """Addresses that become others in the messages of one direction; `rport` is put into the answers' top Via."""

    addresses: Mapping[Address, Address]
    rport: int | None = None

    def signalling(self, message: Request | Response) -> None:
        """Translates every address that later messages may be sent to (not the body)."""
        if isinstance(message, Request):
            message.uri = self._uri(message.uri)
        elif self.rport is not None:
            # The phone must not notice the translation, or it would register the outer address as well.
            message.headers.replace_first("Via", str(message.top_via().with_params({"rport": str(self.rport)})))
        for name in ADDRESS_HEADERS:
            values = message.headers.get_all(name)
            translated = [value if value == "*" else self._name_addr(value) for value in values]
            if translated != values:
                message.headers.set(name, ", ".join(translated))

    def _name_addr(self, text: str) -> str:
        address = parse_name_addr(text)
        if not isinstance(address.target, SipUri):
            return text
        moved = self._moved(address.target)
        return text if moved is address.target else str(replace(address, target=moved))

    def _uri(self, text: str) -> str:
        uri = parse_uri(text)
        moved = self._moved(uri)
        return text if moved is uri else str(moved)

    def _moved(self, uri: SipUri) -> SipUri:
        to = self.addresses.get(Address(uri.host, uri.port or SIP_PORT))
        return uri if to is None else replace(uri, host=to.host, port=to.port)


def audio_address(message: Request | Response) -> Address | None:
    """Where the sender of this message wants the RTP of its first audio stream; None when it does not say."""
    description = _description(message)
    if description is None:
        return None
    for media in description.audio:
        if media.active and media.address is not None:
            return Address(media.address, media.port)
    return None


def lead_audio_to(message: Request | Response, to: Address) -> None:
    """Puts our address in the place of `audio_address`."""
    description = _description(message)
    if description is not None:
        ports = {media.index: to.port for media in description.audio[:1]}
        message.set_body(rewrite(description, to.host, ports))


def _description(message: Request | Response) -> SessionDescription | None:
    if not message.body or (message.headers.get("Content-Type") or "").lower() != "application/sdp":
        return None
    return SessionDescription.parse(message.body)


def ends_call(message: Request | Response) -> bool:
    """Whether no more media belongs to this Call-ID: the answer to BYE, or a refusal of the INVITE."""
    if isinstance(message, Request):
        return False
    method = message.cseq.method
    return (method == "BYE" and message.status >= 200) or (method == "INVITE" and message.status >= 300)


class _MediaPath:
    """The RTP and RTCP of one call: a pair of sockets towards the phone, another one towards the monitor."""

    def __init__(self, host: str, loss: Loss) -> None:
        self._loss = loss
        self._inside = _even_pair(host)
        self._outside = _even_pair(host)
        self.phone: Address | None = None  # of its RTP, as its SDP says
        self.monitor: Address | None = None
        for inside, outside in zip(self._inside, self._outside, strict=True):
            _read(inside, partial(self._outward, outside))
            _read(outside, partial(self._inward, inside))

    @property
    def inside(self) -> Address:
        return _address_of(self._inside[0])

    @property
    def outside(self) -> Address:
        return _address_of(self._outside[0])

    def close(self) -> None:
        for endpoint in (*self._inside, *self._outside):
            _close(endpoint)

    def _outward(self, outside: socket.socket, packet: bytes, source: Address) -> None:
        is_rtcp = outside is self._outside[1]
        if self.monitor is not None and (is_rtcp or not self._loss.takes(packet)):
            outside.sendto(packet, (self.monitor.host, self.monitor.port + is_rtcp))

    def _inward(self, inside: socket.socket, packet: bytes, source: Address) -> None:
        is_rtcp = inside is self._inside[1]
        if self.phone is not None and self.monitor is not None and source.host == self.monitor.host:
            inside.sendto(packet, (self.phone.host, self.phone.port + is_rtcp))


class Line:
    """The line of one phone. Make it with `impaired_line`; the phone sends its SIP to `address`."""

    def __init__(self, server: Address, loss: Loss) -> None:
        self.loss = loss
        self._server = server
        self._phone: Address | None = None
        self._inside = _bound(server.host)
        self._outside = _bound(server.host)
        self._paths: dict[str, _MediaPath] = {}
        _read(self._inside, self._outward)
        _read(self._outside, self._inward)

    @property
    def address(self) -> Address:
        return _address_of(self._inside)

    def close(self) -> None:
        for path in self._paths.values():
            path.close()
        _close(self._inside)
        _close(self._outside)

    def _outward(self, datagram: bytes, source: Address) -> None:
        self._phone = source
        translation = Translation({self.address: self._server, source: _address_of(self._outside)})
        self._outside.sendto(self._translated(datagram, translation, outward=True), self._server)

    def _inward(self, datagram: bytes, source: Address) -> None:
        if self._phone is None or source != self._server:
            return
        addresses = {self._server: self.address, _address_of(self._outside): self._phone}
        translation = Translation(addresses, rport=self._phone.port)
        self._inside.sendto(self._translated(datagram, translation, outward=False), self._phone)

    def _translated(self, datagram: bytes, translation: Translation, *, outward: bool) -> bytes:
        """The message with other addresses; what is no SIP, such as a keep-alive, passes as it is."""
        try:
            message = parse_datagram(datagram)
            translation.signalling(message)
            self._lead_media(message, outward=outward)
        except (SipParseError, SdpError):
            return datagram
        if ends_call(message) and message.call_id in self._paths:
            self._paths.pop(message.call_id).close()
        return message.encode()

    def _lead_media(self, message: Request | Response, *, outward: bool) -> None:
        wanted = audio_address(message)
        if wanted is None:
            return
        path = self._paths.get(message.call_id)
        if path is None:
            path = self._paths[message.call_id] = _MediaPath(self._server.host, self.loss)
        if outward:
            path.phone = wanted
            lead_audio_to(message, path.outside)
        else:
            path.monitor = wanted
            lead_audio_to(message, path.inside)


@asynccontextmanager
async def impaired_line(server: Address, *, lose_every: int | None = None) -> AsyncIterator[Line]:
    """A line to the monitor at `server` for as long as the block lasts. `loss.nth` may be changed at any time."""
    line = Line(server, Loss(lose_every))
    try:
        yield line
    finally:
        line.close()


def _bound(host: str, port: int = 0) -> socket.socket:
    endpoint = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
    try:
        endpoint.bind((host, port))
    except OSError:
        endpoint.close()
        raise
    endpoint.setblocking(False)
    return endpoint


def _even_pair(host: str) -> tuple[socket.socket, socket.socket]:
    """RTP on an even port and RTCP on the next (RFC 3550 11)."""
    while True:
        rtp = _bound(host)
        port = _address_of(rtp).port
        if port % 2 == 0:
            with suppress(OSError):  # somebody has the next one: try another pair
                return rtp, _bound(host, port + 1)
        rtp.close()


def _read(endpoint: socket.socket, handle: Callable[[bytes, Address], None]) -> None:
    def ready() -> None:
        with suppress(BlockingIOError):
            while True:
                packet, source = endpoint.recvfrom(LARGEST_DATAGRAM)
                handle(packet, Address(*source[:2]))

    asyncio.get_running_loop().add_reader(endpoint, ready)


def _close(endpoint: socket.socket) -> None:
    asyncio.get_running_loop().remove_reader(endpoint)
    endpoint.close()


def _address_of(endpoint: socket.socket) -> Address:
    return Address(*endpoint.getsockname()[:2])
