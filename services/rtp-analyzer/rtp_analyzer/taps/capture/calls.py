"""The calls that a capture's SIP tells of: whose end is which address, what its payload types mean, when it is over."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from rtp_analyzer.taps.capture.signalling import MediaEnd, SipMessage
from shared.events.calls import Party

MAX_CALLS: Final = 20_000
MAX_ENDPOINTS: Final = 65_536
MAX_ENDS_A_CALL: Final = 64
_OTHER: Final[dict[Party, Party]] = {"caller": "callee", "callee": "caller"}


@dataclass(slots=True)
class Call:
    """One Call-ID. `number` counts the calls of the capture; `answered` are the tags of the devices that answered."""

    number: int
    call_id: str
    caller: str | None
    callee: str | None
    caller_tag: str | None
    answered: set[str] = field(default_factory=set)
    ended_ns: int | None = None
    ends: dict[tuple[str, int], int] = field(default_factory=dict)  # address and port to row


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What SDP said of one end, at one time. `party` is who gets what is sent there; None: who began is not known."""

    row: int
    call: Call
    party: Party | None
    media: MediaEnd

    @property
    def sender(self) -> Party | None:
        """Who sends to it."""
        return _OTHER[self.party] if self.party else None


@dataclass(frozen=True, slots=True)
class Described:
    """SDP named an end for the first time, or said something new of it (then `before` is what it had said)."""

    endpoint: Endpoint
    before: Endpoint | None


@dataclass(frozen=True, slots=True)
class Ended:
    """The last dialog of a call was hung up."""

    call: Call


class CallBook:
    """All calls of a capture, in the order in which they appear. Beyond MAX_CALLS nothing is learnt."""

    def __init__(self) -> None:
        self._calls: dict[str, Call] = {}
        self.endpoints: list[Endpoint] = []

    @property
    def calls(self) -> tuple[Call, ...]:
        return tuple(self._calls.values())

    def read(self, message: SipMessage, at_ns: int) -> Iterator[Described | Ended]:
        """What a message changes. SIP seen on both sides of a proxy says everything twice, and changes it once."""
        call = self._call_of(message)
        if call is None:
            return
        if message.method == "INVITE" and message.status and 200 <= message.status < 300 and message.to_tag:
            call.answered.add(message.to_tag)
        if message.method == "BYE" and message.status is None and call.ended_ns is None:
            call.answered -= {message.from_tag, message.to_tag}
            if not call.answered:
                call.ended_ns = at_ns
                yield Ended(call)
            return
        for media in message.media:
            yield from self._describe(call, _writer(call, message), media)

    def _call_of(self, message: SipMessage) -> Call | None:
        known = self._calls.get(message.call_id)
        if known is not None or message.method != "INVITE" or len(self._calls) >= MAX_CALLS:
            return known
        opens = message.status is None and message.to_tag is None
        knows = opens or message.status is not None
        call = Call(
            number=len(self._calls) + 1,
            call_id=message.call_id,
            caller=message.from_uri if knows else None,
            callee=message.to_uri if knows else None,
            caller_tag=message.from_tag if opens else None,
        )
        self._calls[call.call_id] = call
        return call

    def _describe(self, call: Call, party: Party | None, media: MediaEnd) -> Iterator[Described]:
        where = (media.address, media.port)
        row = call.ends.get(where)
        if row is None:
            if len(call.ends) >= MAX_ENDS_A_CALL or len(self.endpoints) >= MAX_ENDPOINTS:
                return
            row = len(self.endpoints)
            call.ends[where] = row
            self.endpoints.append(Endpoint(row, call, party, media))
            yield Described(self.endpoints[row], None)
        elif self.endpoints[row].media != media:
            before = self.endpoints[row]
            self.endpoints[row] = Endpoint(row, call, before.party, media)
            yield Described(self.endpoints[row], before)


def _writer(call: Call, message: SipMessage) -> Party | None:
    """Whose session description a message carries."""
    if call.caller_tag is None:
        return None
    by_caller = message.from_tag == call.caller_tag
    return "caller" if by_caller == (message.status is None) else "callee"
