"""What the transaction user may ask of the shell below it. Nothing here waits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from sip_proxy.effects import ClientKey, Flow, Message, ServerKey, TransactionKey
from sip_proxy.sip.message import Request, Response

if TYPE_CHECKING:  # a call's record is kept by those who use the wire
    from sip_proxy.work import RequestArrived


class Wire(Protocol):
    """Transactions, timers and the network, for those who decide about calls."""

    def respond(self, transaction: ServerKey, response: Response) -> None:
        """Answers in a server transaction; nothing happens when that is over."""

    def refuse(self, work: RequestArrived, response: Response) -> None:
        """Answers somebody who has shown no credentials: once, in no more octets than he sent, and forgets it all."""

    def origin(self, transaction: ServerKey) -> Flow | None:
        """Where the request of a server transaction came from; None when that is over."""

    def way(self, flow: Flow) -> Flow | None:
        """How to reach who was last heard on this flow; None when the connection is gone."""

    def connect(self, flow: Flow, server_name: str) -> Flow | None:
        """The way from us to the server at the end of a flow; where it needs a connection that is not there, one is
        made, and what is sent waits for it. None: we do not have its transport."""

    def start(self, request: Request, flow: Flow) -> ClientKey:
        """Sends a request in a client transaction of its own."""

    def send(self, message: Message, flow: Flow) -> bool:
        """Sends without a transaction (the ACK of a 2xx); False when the network refuses."""

    def abandon(self, transaction: TransactionKey) -> None:
        """Ends a transaction without a word."""

    def set_timer(self, call_id: str, name: str, delay_s: float) -> None:
        """Asks for a `TimerRan`; an earlier timer of the same name is replaced."""

    def cancel_timer(self, call_id: str, name: str) -> None:
        """Forgets the timer, if it still runs."""
