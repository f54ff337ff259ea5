"""rtpengine's control protocol (ng): bencoded dictionaries over UDP, each question with a cookie of its own."""

import itertools
import re
import socket
from collections.abc import Mapping

from tests.bench.machine import HOST

Item = int | bytes | str | list["Item"] | Mapping[str, "Item"]

_ANSWER_S = 3.0
_PORT = re.compile(rb"m=audio (\d+)")


class Control:
    """Speaks to one rtpengine."""

    def __init__(self, port: int) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.connect((HOST, port))
        self._socket.settimeout(_ANSWER_S)
        self._cookies = itertools.count()

    def close(self) -> None:
        self._socket.close()

    def answers(self) -> bool:
        try:
            return b"pong" in self.ask({"command": "ping"})
        except OSError:
            return False

    def relay(self, call_id: str, caller_port: int, callee_port: int) -> tuple[int, int]:
        """Anchors a call between these ports of ours: where the caller sends to, and where the callee does."""
        call: dict[str, Item] = {"call-id": call_id, "from-tag": "a", "replace": ["origin"]}
        offer = self.ask({**call, "command": "offer", "sdp": _sdp(caller_port)})
        answer = self.ask({**call, "command": "answer", "to-tag": "b", "sdp": _sdp(callee_port)})
        return _port(answer), _port(offer)

    def delete(self, call_id: str) -> None:
        self.ask({"command": "delete", "call-id": call_id, "from-tag": "a"})

    def ask(self, command: Mapping[str, Item]) -> bytes:
        """The answer as it came: of what it says, only ports are of interest here."""
        cookie = b"%d " % next(self._cookies)
        self._socket.send(cookie + _bencode(command))
        while not (reply := self._socket.recv(65536)).startswith(cookie):
            pass
        return reply.removeprefix(cookie)


def _bencode(item: Item) -> bytes:
    match item:
        case int():
            return b"i%de" % item
        case str():
            return _bencode(item.encode())
        case bytes():
            return b"%d:%s" % (len(item), item)
        case list():
            return b"l" + b"".join(map(_bencode, item)) + b"e"
        case _:
            return b"d" + b"".join(_bencode(key) + _bencode(item[key]) for key in sorted(item)) + b"e"


def _sdp(port: int) -> str:
    lines = ("v=0", f"o=- 1 1 IN IP4 {HOST}", "s=-", f"c=IN IP4 {HOST}", "t=0 0", f"m=audio {port} RTP/AVP 8")
    return "\r\n".join((*lines, "a=rtpmap:8 PCMA/8000", ""))


def _port(answer: bytes) -> int:
    found = _PORT.search(answer)
    if found is None:
        raise ValueError(f"rtpengine answered {answer[:200]!r}")
    return int(found[1])
