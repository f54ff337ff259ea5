"""What the pure core asks its shell to do, as values: nothing here acts, and nothing here knows asyncio.

Named tuples, as a message makes a dozen of them and a frozen dataclass takes three times as long to make.
"""

from typing import Literal, NamedTuple, cast

from sip_proxy.sip.message import Request, Response

Transport = Literal["udp", "tcp", "tls"]
Failure = Literal["timeout", "transport"]
Message = Request | Response


class Address(NamedTuple):
    """A network address; the host is numeric and without brackets."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @classmethod
    def parse(cls, text: str) -> "Address":
        """The reverse of `str()`.

        Raises:
            ValueError: no port.
        """
        host, _, port = text.rpartition(":")
        return cls(host.removeprefix("[").removesuffix("]"), int(port))


class Flow(NamedTuple):
    """A way to a peer: from which of our sockets, to which address. An answer goes back on the flow of its question,
    and a registered contact is reached on the flow of its REGISTER (RFC 3581, RFC 5626)."""

    transport: Transport
    local: Address
    remote: Address

    @property
    def reliable(self) -> bool:
        return self.transport != "udp"

    def __str__(self) -> str:
        return f"{self.transport}:{self.remote}"

    def to_text(self) -> str:
        """For a document in Redis."""
        return f"{self.transport} {self.local} {self.remote}"

    @classmethod
    def from_text(cls, text: str) -> "Flow":
        """The reverse of `to_text`."""
        transport, local, remote = text.split(" ")
        return cls(cast(Transport, transport), Address.parse(local), Address.parse(remote))


class ServerKey(NamedTuple):
    """What a request of one server transaction is recognised by (RFC 3261 17.2.3)."""

    branch: str
    sent_by: str
    method: str


class ClientKey(NamedTuple):
    """What a response of one client transaction is recognised by (RFC 3261 17.1.3)."""

    branch: str
    method: str


TransactionKey = ServerKey | ClientKey


class Send(NamedTuple):
    """Put this message on the wire; when that fails, tell the owner."""

    message: Message
    flow: Flow
    owner: TransactionKey


class SetTimer(NamedTuple):
    """Fire `name` for `owner` after `delay_s`, in place of an earlier timer of that name."""

    owner: TransactionKey
    name: str
    delay_s: float


class CancelTimer(NamedTuple):
    """Forget the timer, if it still runs."""

    owner: TransactionKey
    name: str


class PassUp(NamedTuple):
    """A message that the transaction user must see."""

    owner: TransactionKey
    message: Message


class Failed(NamedTuple):
    """The transaction will get no answer."""

    owner: TransactionKey
    why: Failure
    call_id: str


class Terminated(NamedTuple):
    """The transaction is over; nothing will match it any more."""

    owner: TransactionKey
    call_id: str


Effect = Send | SetTimer | CancelTimer | PassUp | Failed | Terminated
Effects = tuple[Effect, ...]
