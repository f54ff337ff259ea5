"""A carrier for tests: a registrar with digest of its own, whose calls are made and answered by hand like a phone's."""

import asyncio
import ssl
from collections.abc import Mapping
from typing import Any

from shared.digest import ha1
from sip_proxy.effects import Address
from sip_proxy.sip.digest import challenge, parse_authorization, verify
from sip_proxy.sip.framing import Framed, Framer
from sip_proxy.sip.message import Request, Response
from sip_proxy.sip.parser import parse_datagram
from tests.integration.sip.phone import HOST, Phone

DOMAIN = "carrier.example"
USERS = {"0501234567": "the carrier's own secret", "0507654321": "another secret"}


class Carrier(Phone):
    """One server of the carrier, on UDP. It sends to `proxy`, which is told once there is one."""

    def __init__(self, users: Mapping[str, str] = USERS) -> None:
        super().__init__(Address(HOST, 0), "0800000000", "none")
        self.domain = DOMAIN
        self.users = users
        self.expires_s = 1800  # what it grants, whatever it is asked for
        self.refuses: str | None = None  # e.g. "423 Interval Too Brief"
        self.silent = False
        self.others: list[str] = []  # contacts that came by other ways
        self.bindings: dict[str, str] = {}  # the last contact of each user
        self.registers: list[Request] = []

    @property
    def address(self) -> Address:
        return Address(HOST, self.port)

    @property
    def contact(self) -> str:
        return f"sip:{self.user}@{HOST}:{self.port}"

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if not self.silent:
            self.take(parse_datagram(data))

    def take(self, message: Request | Response) -> None:
        if isinstance(message, Request) and message.method == "REGISTER":
            self.registers.append(message)
            self.send(self.registered(message))
        else:
            self.inbox.append(message)
            self._arrived.set()

    def registered(self, request: Request) -> bytes:
        if self.refuses is not None:
            status, _, _ = self.refuses.partition(" ")
            return self.answer(request, int(status), "Min-Expires: 300", "X-Reason: mine")
        if not self.is_authentic(request):
            return self.answer(request, 401, f"WWW-Authenticate: {self.challenge()}")
        user = request.to().uri.user or ""
        assert request.contacts != "*"
        for contact in request.contacts:
            self.bindings[user] = str(contact.target)
            if contact.param("expires") == "0" or request.expires == 0:
                del self.bindings[user]
        listed = [f"Contact: <{self.bindings[user]}>;expires={self.expires_s}"] if user in self.bindings else []
        path = [f"Path: {path}" for path in request.headers.get_all("Path")]
        answer = self.answer(request, 200, *listed, *(f"Contact: {other}" for other in self.others), *path)
        return answer.replace(f"Contact: <{self.contact}>\r\n".encode(), b"", 1)

    def challenge(self) -> str:
        return challenge(DOMAIN, "a-nonce-of-the-carrier")

    def is_authentic(self, request: Request) -> bool:
        """Whether the request proves that its sender knows the password of its account."""
        for name in ("Authorization", "Proxy-Authorization"):
            for value in request.headers.get_all(name):
                credentials = parse_authorization(value)
                if credentials is None or credentials.username not in self.users:
                    continue
                secret = ha1(credentials.username, DOMAIN, self.users[credentials.username])
                return credentials.uri == request.uri and verify(credentials, request.method, secret)
        return False

    def call(self, contact: str, body: bytes = b"", **fields: Any) -> bytes:
        """An INVITE to a contact that somebody registered with us."""
        octets = self.write("INVITE", contact, body=body, to=f"<sip:0501234567@{DOMAIN}>", **fields)
        self.send(octets)
        return octets


class StreamCarrier(Carrier):
    """One server of the carrier, on TCP or TLS: it speaks on the connection that was made last."""

    def __init__(self, port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        super().__init__()
        self.transport = "tcp" if tls is None else "tls"
        self.connections = 0
        self._wanted_port = port
        self._tls = tls

    async def connect(self) -> None:
        self._server = await asyncio.get_running_loop().create_server(
            lambda: self, HOST, self._wanted_port, ssl=self._tls
        )

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        if self._socket is not None:
            self._socket.abort()

    @property
    def port(self) -> int:
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.connections += 1
        self._framer = Framer()

    def data_received(self, data: bytes) -> None:
        for frame in self._framer.feed(data):
            assert isinstance(frame, Framed)
            self.take(frame.message)
