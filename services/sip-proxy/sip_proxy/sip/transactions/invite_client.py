"""The INVITE client transaction: RFC 3261 17.1.1 with the Accepted state of RFC 6026 7.2."""

from typing import Literal

from sip_proxy.effects import CancelTimer, ClientKey, Effects, Failed, Failure, Flow, PassUp, Send, SetTimer, Terminated
from sip_proxy.sip.message import Request, Response
from sip_proxy.sip.transactions.requests import ack_for
from sip_proxy.sip.transactions.timers import Timers

State = Literal["calling", "proceeding", "accepted", "completed", "terminated"]


class InviteClient:
    """Sends an INVITE until something comes back, and acknowledges every refusal by itself."""

    def __init__(self, key: ClientKey, request: Request, flow: Flow, timers: Timers) -> None:
        self.key = key
        self.call_id = request.call_id
        self.request = request
        self.flow = flow
        self.state: State = "calling"
        self._timers = timers
        self._interval = timers.t1  # until the next retransmission (timer A)
        self._ack: Request | None = None  # what answered the final refusal

    def start(self) -> Effects:
        effects: Effects = (Send(self.request, self.flow, self.key), SetTimer(self.key, "B", self._timers.transaction))
        if not self.flow.reliable:
            effects += (SetTimer(self.key, "A", self._interval),)
        return effects

    def receive(self, response: Response) -> Effects:
        match self.state:
            case "calling" | "proceeding":
                return self._first_answers(response)
            case "accepted" if 200 <= response.status < 300:
                # RFC 6026 7.2: every 2xx, also of another branch of a fork, is the user's business
                return (PassUp(self.key, response),)
            case "completed" if response.status >= 300 and self._ack is not None:
                return (Send(self._ack, self.flow, self.key),)
            case _:
                return ()

    def _first_answers(self, response: Response) -> Effects:
        stop = (CancelTimer(self.key, "A"), CancelTimer(self.key, "B"))
        if response.status < 200:
            self.state = "proceeding"
            return (*stop, PassUp(self.key, response))
        if response.status < 300:
            self.state = "accepted"
            return (*stop, PassUp(self.key, response), SetTimer(self.key, "M", self._timers.transaction))
        self.state = "completed"
        self._ack = ack_for(self.request, response)
        effects = (*stop, Send(self._ack, self.flow, self.key), PassUp(self.key, response))
        if self.flow.reliable:
            return effects + self._terminate()
        return (*effects, SetTimer(self.key, "D", self._timers.d))

    def fire(self, timer: str) -> Effects:
        match timer:
            case "A" if self.state == "calling":
                self._interval *= 2
                return (Send(self.request, self.flow, self.key), SetTimer(self.key, "A", self._interval))
            case "B" if self.state == "calling":
                return (CancelTimer(self.key, "A"), *self._fail("timeout"))
            case "D" | "M":
                return self._terminate()
            case _:
                return ()

    def transport_failed(self) -> Effects:
        if self.state not in ("calling", "completed"):
            return ()
        stop = tuple(CancelTimer(self.key, name) for name in "ABD")
        return (*stop, *(self._fail("transport") if self.state == "calling" else self._terminate()))

    def _fail(self, why: Failure) -> Effects:
        return (Failed(self.key, why, self.call_id), *self._terminate())

    def _terminate(self) -> Effects:
        self.state = "terminated"
        return (Terminated(self.key, self.call_id),)
