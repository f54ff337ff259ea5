"""A SIP phone for tests: one socket, messages written by hand, and an inbox that is waited on."""

import asyncio
import hashlib
import itertools
import secrets
import ssl
from collections.abc import Callable
from typing import Any, Self

from shared.digest import Algorithm, ha1
from sip_proxy.effects import Address, Transport
from sip_proxy.sip.framing import Framed, Framer, Ping
from sip_proxy.sip.message import Request, Response
from sip_proxy.sip.parser import parse_datagram

HOST = "127.0.0.1"
PATIENCE_S = 5.0
PCMA_OFFER = """\
v=0
o=- 100 1 IN IP4 10.0.0.9
s=-
c=IN IP4 10.0.0.9
t=0 0
m=audio {port} RTP/AVP 8 0 101
a=rtpmap:8 PCMA/8000
a=rtpmap:0 PCMU/8000
a=rtpmap:101 telephone-event/8000
a=ptime:20
a=sendrecv
"""


def sdp(port: int, text: str = PCMA_OFFER) -> bytes:
    return text.format(port=port).replace("\n", "\r\n").encode()


class Call:
    """What a phone remembers of one dialog it is in."""

    def __init__(self, call_id: str, local: str, remote: str, target: str, routes: list[str], cseq: int) -> None:
        self.call_id = call_id
        self.local = local  # our From, or To, with its tag
        self.remote = remote
        self.target = target
        self.routes = routes
        self.cseq = cseq


class Phone(asyncio.DatagramProtocol, asyncio.Protocol):
    """`domain` is what it writes into its URIs; everything it sends goes to `proxy`, over TLS with `tls`."""

    def __init__(
        self,
        proxy: Address,
        user: str,
        password: str,
        *,
        auth_user: str | None = None,
        transport: Transport = "udp",
        tls: ssl.SSLContext | None = None,
        host: str = HOST,
    ) -> None:
        self.proxy = proxy
        self.host = host
        self.user = user
        self.password = password
        self.auth_user = auth_user or user
        self.domain = str(proxy)
        self.transport = transport
        self.contact_params = ""
        self.inbox: list[Request | Response] = []
        self.calls: list[Call] = []
        self.pongs = 0
        self.hung_up = asyncio.Event()  # the connection is gone
        self._tls = tls
        self._arrived = asyncio.Event()
        self._socket: Any = None
        self._framer = Framer()
        self._cseq = itertools.count(1)

    async def __aenter__(self) -> Self:
        await self.connect()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._socket.close()
        if self.transport != "udp":
            await self.hung_up.wait()

    async def connect(self) -> None:
        """Opens the socket; a phone whose connection was lost does it again, from another port."""
        loop = asyncio.get_running_loop()
        if self.transport == "udp":
            await loop.create_datagram_endpoint(lambda: self, local_addr=(self.host, 0))
        else:
            self.hung_up.clear()
            self._framer = Framer()
            await loop.create_connection(
                lambda: self, *self.proxy, ssl=self._tls, server_hostname="localhost" if self._tls else None
            )

    def hang_up(self) -> None:
        """Drops the connection without a word."""
        self._socket.abort()

    def connection_made(self, transport: Any) -> None:
        self._socket = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self.hung_up.set()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.inbox.append(parse_datagram(data))
        self._arrived.set()

    def data_received(self, data: bytes) -> None:
        if data == b"\r\n":
            self.pongs += 1
        for frame in self._framer.feed(data):
            assert isinstance(frame, (Framed, Ping)), frame
            if isinstance(frame, Framed):
                self.inbox.append(frame.message)
        self._arrived.set()

    @property
    def port(self) -> int:
        port: int = self._socket.get_extra_info("sockname")[1]
        return port

    @property
    def contact(self) -> str:
        # a private address, as behind a NAT: whoever believes it sends into nowhere
        parameter = "" if self.transport == "udp" else f";transport={self.transport}"
        return f"sip:{self.user}@10.0.0.9:{self.port}{parameter}"

    def skip_cseq(self, count: int) -> None:
        """The next request of its own counts so much further, or back."""
        self._cseq = itertools.count(next(self._cseq) + count)

    def send(self, octets: bytes) -> None:
        if self.transport == "udp":
            self._socket.sendto(octets, self.proxy)
        else:
            self._socket.write(octets)

    async def receive(self, what: Callable[[Any], bool], *, within_s: float = PATIENCE_S) -> Any:
        """Takes the first message out of the inbox for which `what` holds."""
        async with asyncio.timeout(within_s):
            while True:
                for message in self.inbox:
                    if what(message):
                        self.inbox.remove(message)
                        return message
                self._arrived.clear()
                await self._arrived.wait()

    async def response(self, method: str, *statuses: int, within_s: float = PATIENCE_S) -> Response:
        """The next final response to a method, or the next with one of the statuses."""

        def wanted(message: Any) -> bool:
            if not isinstance(message, Response) or message.cseq.method != method:
                return False
            return message.status in statuses if statuses else message.status >= 200

        found: Response = await self.receive(wanted, within_s=within_s)
        return found

    async def request(self, method: str) -> Request:
        """The next request of a method."""
        found: Request = await self.receive(lambda message: isinstance(message, Request) and message.method == method)
        return found

    def write(
        self,
        method: str,
        uri: str,
        *headers: str,
        from_: str | None = None,
        to: str | None = None,
        call_id: str | None = None,
        cseq: int | None = None,
        branch: str | None = None,
        contact: str | None = "",
        body: bytes = b"",
        content_type: str = "application/sdp",
    ) -> bytes:
        """The octets of a request. Headers that are given replace nothing: they are added. `contact` as it is written,
        None: no Contact, empty: our own."""
        me = f"<sip:{self.user}@{self.domain}>"
        branch = branch or "z9hG4bK" + secrets.token_hex(8)
        lines = [
            f"{method} {uri} SIP/2.0",
            f"Via: SIP/2.0/{self.transport.upper()} {self.host}:{self.port};branch={branch};rport",
            "Max-Forwards: 70",
            f"From: {from_ or f'{me};tag={secrets.token_hex(4)}'}",
            f"To: {to or f'<{uri}>'}",
            f"Call-ID: {call_id or secrets.token_hex(8)}",
            f"CSeq: {next(self._cseq) if cseq is None else cseq} {method}",
            *([] if contact is None else [f"Contact: {contact or f'<{self.contact}>{self.contact_params}'}"]),
            *headers,
        ]
        if body:
            lines.append(f"Content-Type: {content_type}")
        lines.append(f"Content-Length: {len(body)}")
        return "\r\n".join([*lines, "", ""]).encode() + body

    def credentials(self, challenge: Response, method: str, uri: str, *, count: int = 1, qop: bool = True) -> str:
        """The header that answers a challenge: its first, as old devices do."""
        name = "WWW-Authenticate" if challenge.status == 401 else "Proxy-Authenticate"
        value = challenge.headers.get(name)
        assert value is not None
        fields = dict(part.strip().split("=", 1) for part in value.removeprefix("Digest ").split(","))
        realm, nonce = fields["realm"].strip('"'), fields["nonce"].strip('"')
        algorithm: Algorithm = "SHA-256" if fields.get("algorithm") == "SHA-256" else "MD5"
        digest = hashlib.sha256 if algorithm == "SHA-256" else hashlib.md5
        ha2 = digest(f"{method}:{uri}".encode()).hexdigest()
        secret = ha1(self.auth_user, realm, self.password, algorithm)
        middle = f"{nonce}:{count:08x}:abcd:auth" if qop else nonce
        proof = digest(f"{secret}:{middle}:{ha2}".encode()).hexdigest()
        header = "Authorization" if challenge.status == 401 else "Proxy-Authorization"
        return (
            f'{header}: Digest username="{self.auth_user}", realm="{realm}", nonce="{nonce}", uri="{uri}", '
            f'response="{proof}", algorithm={algorithm}' + (f', qop=auth, nc={count:08x}, cnonce="abcd"' if qop else "")
        )

    async def authenticated(self, method: str, uri: str, *headers: str, **fields: Any) -> tuple[bytes, str, int]:
        """Sends a request twice, the second time with credentials. Returns what it sent, From and Call-ID and CSeq."""
        from_ = fields.pop("from_", None) or f"<sip:{self.user}@{self.domain}>;tag={secrets.token_hex(4)}"
        call_id = fields.pop("call_id", None) or secrets.token_hex(8)
        first = self.write(method, uri, *headers, from_=from_, call_id=call_id, **fields)
        self.send(first)
        challenge = await self.response(method, 401, 407)
        if method == "INVITE":
            self.send(self.ack_refusal(first, challenge))
        proof = self.credentials(challenge, method, uri)
        cseq = next(self._cseq)
        second = self.write(method, uri, *headers, proof, from_=from_, call_id=call_id, cseq=cseq, **fields)
        self.send(second)
        return second, from_, cseq

    async def register(self, *headers: str, expires: int = 600, **fields: Any) -> Response:
        uri = f"sip:{self.domain}"
        to = f"<sip:{self.user}@{self.domain}>"
        await self.authenticated("REGISTER", uri, f"Expires: {expires}", *headers, to=to, **fields)
        return await self.response("REGISTER")

    async def invite(self, user: str, *headers: str, body: bytes = b"", **fields: Any) -> bytes:
        """An authenticated INVITE; the responses to it come into the inbox."""
        octets, _, _ = await self.authenticated("INVITE", f"sip:{user}@{self.domain}", *headers, body=body, **fields)
        return octets

    def ack_refusal(self, invite: bytes, response: Response) -> bytes:
        """The ACK that the INVITE's own transaction sends (RFC 3261 17.1.1.3)."""
        sent = parse_datagram(invite)
        assert isinstance(sent, Request)
        branch = sent.top_via().branch
        to, from_ = response.headers.get("To"), sent.headers.get("From")
        return self.write(
            "ACK", sent.uri, from_=from_, to=to, call_id=sent.call_id, cseq=sent.cseq.number, branch=branch
        )

    def cancel(self, invite: bytes) -> bytes:
        sent = parse_datagram(invite)
        assert isinstance(sent, Request)
        return self.write(
            "CANCEL",
            sent.uri,
            from_=sent.headers.get("From"),
            to=sent.headers.get("To"),
            call_id=sent.call_id,
            cseq=sent.cseq.number,
            branch=sent.top_via().branch,
        )

    def caller_side(self, answer: Response) -> Call:
        """The dialog after a 2xx to our INVITE (RFC 3261 12.1.2)."""
        contacts = answer.contacts
        assert contacts != "*"
        return Call(
            answer.call_id,
            answer.headers.get("From") or "",
            answer.headers.get("To") or "",
            str(contacts[0].target),
            answer.headers.get_all("Record-Route")[::-1],
            answer.cseq.number,
        )

    def callee_side(self, invite: Request, tag: str) -> Call:
        """The dialog after our 2xx to an INVITE (RFC 3261 12.1.1)."""
        contacts = invite.contacts
        assert contacts != "*"
        return Call(
            invite.call_id,
            f"{invite.headers.get('To')};tag={tag}",
            invite.headers.get("From") or "",
            str(contacts[0].target),
            invite.headers.get_all("Record-Route"),
            100,
        )

    def in_dialog(self, method: str, call: Call, *headers: str, body: bytes = b"") -> bytes:
        """The next request of a dialog; an ACK has the number of its INVITE."""
        if method != "ACK":
            call.cseq += 1
        routes = [f"Route: {route}" for route in call.routes]
        return self.write(
            method,
            call.target,
            *routes,
            *headers,
            from_=call.local,
            to=call.remote,
            call_id=call.call_id,
            cseq=call.cseq,
            body=body,
        )

    def answer(self, request: Request, status: int, *headers: str, tag: str = "callee", body: bytes = b"") -> bytes:
        """A response to a request that came to us."""
        to = request.headers.get("To") or ""
        lines = [f"SIP/2.0 {status} Whatever"]
        lines += [f"Via: {via}" for via in request.headers.get_all("Via")]
        lines += [f"Record-Route: {route}" for route in request.headers.get_all("Record-Route")]
        lines += [
            f"From: {request.headers.get('From')}",
            f"To: {to}" if ";tag=" in to or status == 100 else f"To: {to};tag={tag}",
            f"Call-ID: {request.call_id}",
            f"CSeq: {request.cseq}",
            f"Contact: <{self.contact}>",
            *headers,
        ]
        if body:
            lines.append("Content-Type: application/sdp")
        lines.append(f"Content-Length: {len(body)}")
        return "\r\n".join([*lines, "", ""]).encode() + body
