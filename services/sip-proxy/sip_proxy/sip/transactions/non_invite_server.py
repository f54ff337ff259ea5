"""The server transaction of every method but INVITE and ACK: RFC 3261 17.2.2."""

from typing import Literal

from sip_proxy.effects import CancelTimer, Effects, Failed, Failure, Flow, Send, ServerKey, SetTimer, Terminated
from sip_proxy.sip.message import Request, Response
from sip_proxy.sip.transactions.timers import Timers

State = Literal["trying", "proceeding", "completed", "terminated"]


class NonInviteServer:
    """Answers the retransmissions of one request with what it was answered before."""

    def __init__(self, key: ServerKey, request: Request, flow: Flow, timers: Timers) -> None:
        self.key = key
        self.call_id = request.call_id  # all that is kept of the request: many transactions wait for their end
        self.flow = flow
        self.state: State = "trying"
        self._timers = timers
        self.last: Response | None = None

    def receive(self, request: Request) -> Effects:
        """Takes a retransmission; `request` itself carries nothing new."""
        if self.state in ("proceeding", "completed") and self.last is not None:
            return (Send(self.last, self.flow, self.key),)
        return ()

    def respond(self, response: Response) -> Effects:
        """Sends a response of the user; after the final one nothing more."""
        if self.state not in ("trying", "proceeding"):
            return ()
        self.last = response
        if response.status < 200:
            self.state = "proceeding"
            return (Send(response, self.flow, self.key),)
        self.state = "completed"
        if self.flow.reliable:
            return (Send(response, self.flow, self.key), *self._terminate())
        return (Send(response, self.flow, self.key), SetTimer(self.key, "J", self._timers.transaction))

    def fire(self, timer: str) -> Effects:
        return self._terminate() if timer == "J" else ()

    def transport_failed(self) -> Effects:
        if self.state not in ("proceeding", "completed"):
            return ()
        return (CancelTimer(self.key, "J"), *self._fail("transport"))

    def _fail(self, why: Failure) -> Effects:
        return (Failed(self.key, why, self.call_id), *self._terminate())

    def _terminate(self) -> Effects:
        self.state = "terminated"
        return (Terminated(self.key, self.call_id),)
