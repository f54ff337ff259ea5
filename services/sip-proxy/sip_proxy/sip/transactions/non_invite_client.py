"""The client transaction of every method but INVITE and ACK: RFC 3261 17.1.2."""

from typing import Literal

from sip_proxy.effects import CancelTimer, ClientKey, Effects, Failed, Failure, Flow, PassUp, Send, SetTimer, Terminated
from sip_proxy.sip.message import Request, Response
from sip_proxy.sip.transactions.timers import Timers

State = Literal["trying", "proceeding", "completed", "terminated"]


class NonInviteClient:
    """Sends a request until its final response comes."""

    def __init__(self, key: ClientKey, request: Request, flow: Flow, timers: Timers) -> None:
        self.key = key
        self.call_id = request.call_id
        self.request = request
        self.flow = flow
        self.state: State = "trying"
        self._timers = timers
        self._interval = timers.t1  # until the next retransmission (timer E)

    def start(self) -> Effects:
        effects: Effects = (Send(self.request, self.flow, self.key), SetTimer(self.key, "F", self._timers.transaction))
        if not self.flow.reliable:
            effects += (SetTimer(self.key, "E", self._interval),)
        return effects

    def receive(self, response: Response) -> Effects:
        if self.state not in ("trying", "proceeding"):
            return ()
        if response.status < 200:
            self.state = "proceeding"
            return (PassUp(self.key, response),)
        self.state = "completed"
        effects = (CancelTimer(self.key, "E"), CancelTimer(self.key, "F"), PassUp(self.key, response))
        if self.flow.reliable:
            return effects + self._terminate()
        return (*effects, SetTimer(self.key, "K", self._timers.t4))

    def fire(self, timer: str) -> Effects:
        match timer:
            case "E" if self.state in ("trying", "proceeding"):
                grown = min(2 * self._interval, self._timers.t2)
                self._interval = grown if self.state == "trying" else self._timers.t2
                return (Send(self.request, self.flow, self.key), SetTimer(self.key, "E", self._interval))
            case "F" if self.state in ("trying", "proceeding"):
                return (CancelTimer(self.key, "E"), *self._fail("timeout"))
            case "K":
                return self._terminate()
            case _:
                return ()

    def transport_failed(self) -> Effects:
        if self.state not in ("trying", "proceeding"):
            return ()
        stop = (CancelTimer(self.key, "E"), CancelTimer(self.key, "F"))
        return (*stop, *self._fail("transport"))

    def _fail(self, why: Failure) -> Effects:
        return (Failed(self.key, why, self.call_id), *self._terminate())

    def _terminate(self) -> Effects:
        self.state = "terminated"
        return (Terminated(self.key, self.call_id),)
