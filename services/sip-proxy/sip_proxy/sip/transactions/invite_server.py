"""The INVITE server transaction: RFC 3261 17.2.1 with the Accepted state of RFC 6026 7.1."""

from typing import Literal

from sip_proxy.effects import CancelTimer, Effects, Failed, Failure, Flow, PassUp, Send, ServerKey, SetTimer, Terminated
from sip_proxy.sip.message import Request, Response
from sip_proxy.sip.transactions.timers import Timers

State = Literal["proceeding", "accepted", "completed", "confirmed", "terminated"]


class InviteServer:
    """Answers the retransmissions of one INVITE; repeats a refusal until its ACK comes. A 2xx is repeated by whoever
    made it (13.3.1.4), and its ACK is not ours."""

    def __init__(self, key: ServerKey, request: Request, flow: Flow, timers: Timers) -> None:
        self.key = key
        self.call_id = request.call_id  # all that is kept of the request: many transactions wait for their end
        self.flow = flow
        self.state: State = "proceeding"
        self._timers = timers
        self._interval = timers.t1  # until the refusal is repeated (timer G)
        self.last: Response | None = None  # what a retransmitted INVITE is answered with

    def receive(self, request: Request) -> Effects:
        if request.method == "ACK":
            return self._acknowledged(request)
        # RFC 6026 7.1: in "accepted" a retransmitted INVITE is absorbed, it would be a second call otherwise
        if self.state in ("proceeding", "completed") and self.last is not None:
            return (Send(self.last, self.flow, self.key),)
        return ()

    def _acknowledged(self, ack: Request) -> Effects:
        match self.state:
            case "accepted":
                return (PassUp(self.key, ack),)
            case "completed":
                self.state = "confirmed"
                stop = (CancelTimer(self.key, "G"), CancelTimer(self.key, "H"))
                if self.flow.reliable:
                    return (*stop, *self._terminate())
                return (*stop, SetTimer(self.key, "I", self._timers.t4))
            case _:
                return ()

    def respond(self, response: Response) -> Effects:
        """Sends a response of the user. After a final refusal, or in the end, it is too late and nothing happens."""
        if self.state == "accepted" and 200 <= response.status < 300:
            return (Send(response, self.flow, self.key),)
        if self.state != "proceeding":
            return ()
        self.last = response
        if response.status < 200:
            return (Send(response, self.flow, self.key),)
        if response.status < 300:
            self.state = "accepted"
            return (Send(response, self.flow, self.key), SetTimer(self.key, "L", self._timers.transaction))
        self.state = "completed"
        effects: Effects = (Send(response, self.flow, self.key), SetTimer(self.key, "H", self._timers.transaction))
        if not self.flow.reliable:
            effects += (SetTimer(self.key, "G", self._interval),)
        return effects

    def fire(self, timer: str) -> Effects:
        match timer:
            case "G" if self.state == "completed" and self.last is not None:
                self._interval = min(2 * self._interval, self._timers.t2)
                return (Send(self.last, self.flow, self.key), SetTimer(self.key, "G", self._interval))
            case "H" if self.state == "completed":
                return (CancelTimer(self.key, "G"), *self._fail("timeout"))
            case "I" | "L":
                return self._terminate()
            case _:
                return ()

    def transport_failed(self) -> Effects:
        if self.state not in ("proceeding", "completed"):
            return ()
        stop = (CancelTimer(self.key, "G"), CancelTimer(self.key, "H"))
        return (*stop, *self._fail("transport"))

    def _fail(self, why: Failure) -> Effects:
        return (Failed(self.key, why, self.call_id), *self._terminate())

    def _terminate(self) -> Effects:
        self.state = "terminated"
        return (Terminated(self.key, self.call_id),)
