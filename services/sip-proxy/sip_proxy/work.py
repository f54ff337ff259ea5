"""What the shell hands to the transaction user: one value for each thing that can happen to a call."""

from dataclasses import dataclass

from sip_proxy.accounts import Account
from sip_proxy.auth import Authenticated
from sip_proxy.calls.call_record import CallRecord
from sip_proxy.effects import ClientKey, Failure, Flow, ServerKey
from sip_proxy.sip.message import Request, Response


@dataclass(frozen=True, slots=True)
class RequestArrived:
    """A new request, admitted. An ACK has no transaction; what needs no credentials has no proof of them."""

    request: Request
    flow: Flow
    transaction: ServerKey
    proof: Authenticated | None = None
    size: int = 0  # octets that it came in

    @property
    def account(self) -> Account | None:
        return None if self.proof is None else self.proof.account


@dataclass(frozen=True, slots=True)
class AckArrived:
    """An ACK that belongs to no transaction: that of a 2xx, or a stray one."""

    ack: Request
    flow: Flow


@dataclass(frozen=True, slots=True)
class ResponseArrived:
    transaction: ClientKey
    response: Response
    flow: Flow


@dataclass(frozen=True, slots=True)
class TransactionFailed:
    transaction: ClientKey
    why: Failure


@dataclass(frozen=True, slots=True)
class TransactionEnded:
    """No response of this transaction will come any more."""

    transaction: ClientKey


@dataclass(frozen=True, slots=True)
class CancelArrived:
    """The caller gives up this INVITE; the CANCEL itself is answered already."""

    cancel: Request
    invite: ServerKey


@dataclass(frozen=True, slots=True)
class TimerRan:
    """A timer that the transaction user set for a call."""

    call_id: str
    name: str


@dataclass(frozen=True, slots=True)
class MediaSilent:
    """Nobody in this call has sent media for too long."""

    record: CallRecord


@dataclass(frozen=True, slots=True)
class SessionExpired:
    """The parties agreed to refresh this call, and neither did, nor sent media."""

    record: CallRecord


@dataclass(frozen=True, slots=True)
class DeadlinePassed:
    """Something is due in a call with an extension: its record says what."""

    call_id: str


@dataclass(frozen=True, slots=True)
class ResultSpoken:
    """The worker has nothing more to say to the caller of 996."""

    call_id: str


Work = (
    RequestArrived
    | AckArrived
    | ResponseArrived
    | TransactionFailed
    | TransactionEnded
    | CancelArrived
    | TimerRan
    | MediaSilent
    | SessionExpired
    | DeadlinePassed
    | ResultSpoken
)
