"""A caller whose every packet the test chooses: a few lines of SIP of its own, and RTP from a socket of its own.

Deliberately independent of the product's SIP code, so that the two cannot be wrong in the same way.
"""

import asyncio
import hashlib
import re
import secrets
import socket
import struct
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

ANSWER_S = 5.0
PCMA = 8
SAMPLES_A_PACKET = 160  # 20 ms at 8000 Hz
SILENCE = b"\xd5" * SAMPLES_A_PACKET  # A-law for zero


@dataclass(frozen=True, slots=True)
class Reply:
    """A SIP response."""

    code: int
    headers: dict[str, str]
    body: str
    text: str = field(repr=False, default="")

    @classmethod
    def parse(cls, datagram: bytes) -> "Reply":
        text = datagram.decode()
        head, _, body = text.partition("\r\n\r\n")
        status, *lines = head.split("\r\n")
        names = ((name.strip().lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines))
        return cls(int(status.split()[1]), dict(names), body, text)

    @property
    def media_address(self) -> tuple[str, int]:
        """Where its SDP wants the RTP."""
        address = re.search(r"^c=IN IP4 (\S+)", self.body, re.MULTILINE)
        port = re.search(r"^m=audio (\d+)", self.body, re.MULTILINE)
        assert address, f"no c= line in {self.text}"
        assert port, f"no m=audio line in {self.text}"
        return address[1], int(port[1])


class _Inbox(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.messages: asyncio.Queue[bytes] = asyncio.Queue()

    def datagram_received(self, data: bytes, addr: object) -> None:
        self.messages.put_nowait(data)


class ScriptedCaller:
    """Calls `server` as `user`. One call at a time; make it with `scripted_caller`."""

    def __init__(
        self,
        server: tuple[str, int],
        user: str,
        password: str,
        inbox: _Inbox,
        transport: asyncio.DatagramTransport,
        rtp: socket.socket,
    ) -> None:
        self.rtp = rtp
        self._server = server
        self._user = user
        self._password = password
        self._inbox = inbox
        self._transport = transport
        self.address = "{}:{}".format(*transport.get_extra_info("sockname"))
        self._cseq = 0
        self._tag = secrets.token_hex(4)
        self.call_id = ""

    def offer(self) -> str:
        """An SDP offer of A-law alone."""
        address, port = self.rtp.getsockname()
        lines = [
            *("v=0", f"o=- 1 1 IN IP4 {address}", "s=-", f"c=IN IP4 {address}", "t=0 0"),
            *(f"m=audio {port} RTP/AVP {PCMA}", "a=rtpmap:8 PCMA/8000", "a=ptime:20", "a=sendrecv"),
        ]
        return "\r\n".join([*lines, ""])

    async def invite(self, extension: str, body: str | None = None) -> Reply:
        """Calls with this body (none: `""`; default: `offer()`) and returns the final answer, acknowledged."""
        self.call_id = f"{secrets.token_hex(8)}@scripted"
        self._cseq = 0
        uri = f"sip:{extension}@{self._server[0]}:{self._server[1]}"
        body = self.offer() if body is None else body
        reply = await self._invite_once(uri, body, "")
        if reply.code in (401, 407):
            self._tag = secrets.token_hex(4)
            reply = await self._invite_once(uri, body, self._credentials(reply, "INVITE", uri))
        return reply

    async def bye(self, answered: Reply) -> Reply:
        """Ends the call that `answered` answered."""
        target = re.search(r"<(sip:[^>]+)>", answered.headers["contact"])
        assert target, "a 200 to INVITE must have a Contact"
        self._send("BYE", target[1], answered.headers["to"], self._branch(), "", self._route(answered))
        return await self._final("BYE")

    async def is_hung_up(self, within_s: float) -> None:
        """Waits until the other side ends the call, and agrees."""
        async with asyncio.timeout(within_s):
            while not (bye := await self._inbox.messages.get()).startswith(b"BYE "):
                pass
        lines = bye.decode().split("\r\n")
        copied = [line for line in lines if line.startswith(("Via:", "From:", "To:", "Call-ID:", "CSeq:"))]
        self.send_raw("\r\n".join(["SIP/2.0 200 OK", *copied, "Content-Length: 0", "", ""]).encode())

    def send_raw(self, datagram: bytes) -> None:
        """Bytes to the SIP port, whatever they are."""
        self._transport.sendto(datagram, self._server)

    def received(self) -> list[Reply]:
        """The answers that have come so far and were not asked for."""
        waiting = [self._inbox.messages.get_nowait() for _ in range(self._inbox.messages.qsize())]
        return [Reply.parse(message) for message in waiting]

    def request(self, method: str, extension: str, body: str = "") -> bytes:
        """A request as it goes on the wire, outside any dialog."""
        self.call_id = f"{secrets.token_hex(8)}@scripted"
        uri = f"sip:{extension}@{self._server[0]}:{self._server[1]}"
        return self._request(method, uri, f"<{uri}>", self._branch(), body, "")

    async def _invite_once(self, uri: str, body: str, credentials: str) -> Reply:
        branch = self._branch()
        self._send("INVITE", uri, f"<{uri}>", branch, body, credentials)
        reply = await self._final("INVITE")
        if reply.code < 300:
            target = re.search(r"<(sip:[^>]+)>", reply.headers["contact"])
            assert target, "a 200 to INVITE must have a Contact"
            # RFC 3261 13.2.2.4: an INVITE without an offer gets it in the 200, and answers it in the ACK.
            answer = "" if body else self.offer()
            self._send("ACK", target[1], reply.headers["to"], self._branch(), answer, self._route(reply))
        else:  # RFC 3261 17.1.1.3: the ACK of a refusal belongs to the INVITE's own transaction
            self._send("ACK", uri, reply.headers["to"], branch, "", "")
        return reply

    def _send(self, method: str, uri: str, to: str, branch: str, body: str, more: str) -> None:
        self.send_raw(self._request(method, uri, to, branch, body, more))

    def _request(self, method: str, uri: str, to: str, branch: str, body: str, more: str) -> bytes:
        if method != "ACK":
            self._cseq += 1
        lines = [
            f"{method} {uri} SIP/2.0",
            f"Via: SIP/2.0/UDP {self.address};branch={branch};rport",
            "Max-Forwards: 70",
            f"From: <sip:{self._user}@{self._server[0]}>;tag={self._tag}",
            f"To: {to}",
            f"Call-ID: {self.call_id}",
            f"CSeq: {self._cseq} {method}",
            f"Contact: <sip:{self._user}@{self.address}>",
            *([more] if more else []),
            *(["Content-Type: application/sdp"] if body else []),
            f"Content-Length: {len(body)}",
        ]
        return ("\r\n".join([*lines, "", ""]) + body).encode()

    async def _final(self, method: str) -> Reply:
        async with asyncio.timeout(ANSWER_S):
            while True:
                reply = Reply.parse(await self._inbox.messages.get())
                if reply.code >= 200 and reply.headers.get("cseq", "").endswith(method):
                    return reply

    def _credentials(self, challenge: Reply, method: str, uri: str) -> str:
        """RFC 2617 3.2.2 with qop=auth, the way nearly every phone does it."""
        asked, answer = (
            ("www-authenticate", "Authorization")
            if challenge.code == 401
            else ("proxy-authenticate", "Proxy-Authorization")
        )
        given = dict(re.findall(r'(\w+)="?([^",]+)"?', challenge.headers[asked].partition(" ")[2]))
        client_nonce = secrets.token_hex(8)
        secret = _md5(f"{self._user}:{given['realm']}:{self._password}")
        response = _md5(f"{secret}:{given['nonce']}:00000001:{client_nonce}:auth:{_md5(f'{method}:{uri}')}")
        return (
            f'{answer}: Digest username="{self._user}", realm="{given["realm"]}", nonce="{given["nonce"]}", '
            f'uri="{uri}", response="{response}", algorithm=MD5, qop=auth, nc=00000001, cnonce="{client_nonce}"'
        )

    @staticmethod
    def _route(answered: Reply) -> str:
        recorded = answered.headers.get("record-route")
        return f"Route: {recorded}" if recorded else ""

    @staticmethod
    def _branch() -> str:
        return f"z9hG4bK{secrets.token_hex(8)}"


async def send_pattern(
    rtp: socket.socket,
    to: tuple[str, int],
    count: int,
    dropped: Collection[int],
    *,
    pause_s: float = 0.001,
    payload_type: int = PCMA,
    payloads: Sequence[bytes] = (SILENCE,),
) -> None:
    """`count` packets of these payloads in turn, less those whose place is in `dropped` (0 is the first).

    Their sequence numbers wrap.
    """
    ssrc = secrets.randbits(32)
    for place in range(count):
        if place not in dropped:
            header = struct.pack(
                "!BBHII", 0x80, payload_type, (65_500 + place) % 65_536, (place * SAMPLES_A_PACKET) % 2**32, ssrc
            )
            rtp.sendto(header + payloads[place % len(payloads)], to)
        await asyncio.sleep(pause_s)  # the pace of the stream, not a wait for something


@asynccontextmanager
async def scripted_caller(server: tuple[str, int], user: str, password: str) -> AsyncIterator[ScriptedCaller]:
    """A caller with sockets of its own for as long as the block lasts."""
    transport, inbox = await asyncio.get_running_loop().create_datagram_endpoint(_Inbox, local_addr=("127.0.0.1", 0))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as rtp:
        rtp.bind(("127.0.0.1", 0))
        rtp.setblocking(False)
        try:
            yield ScriptedCaller(server, user, password, inbox, transport, rtp)
        finally:
            transport.close()


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
