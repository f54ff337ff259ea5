"""The media of a call, led through a relay worker: what its SDP tells the worker, and what ours tells the parties.

A value, kept in the call's record, so that any replica can carry on. Our port towards a party never changes.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import Field

from shared.events import Impairment, Language, MediaAssigned, MediaLeg, MediaUpdated, Party, Value
from sip_proxy.media.media_sessions import MediaSession, other
from sip_proxy.sip.sdp import Format, Media, SessionDescription, rewrite

Mode = Literal["relay", "echo", "tone", "announce"]

INVITED = ""  # the tag of no dialog: what the INVITE offered to all that will be
MAX_DIALOGS = 16  # of one INVITE that are remembered, the newest: more would be an attack on our memory


class PortRange(Value):
    """Where a relay worker is reached."""

    address: str
    first: int
    last: int

    def is_sent_to(self, leg: MediaLeg) -> bool:
        """Whether this party says that its media goes to one of these ports."""
        rtp, rtcp = leg.remote_port or 0, leg.remote_rtcp_port or (leg.remote_port or 0) + 1
        named = self.first <= rtp <= self.last or self.first <= rtcp <= self.last
        return leg.remote_address == self.address and named

    def is_host_of(self, leg: MediaLeg) -> bool:
        """Whether packets from here may be taken for this party's."""
        return self.address in (leg.remote_address, leg.signalling_address)


class Anchor(Value):
    """Where the media of a call runs: one worker, one port towards each party that it serves."""

    worker: str
    address: str
    media_id: str
    mode: Mode
    legs: tuple[MediaLeg, ...]
    impairment: Impairment | None = None  # of an echo
    language: Language = "en"  # of an announcement
    # What was negotiated in each dialog that a fork opened, by the callee's tag; of the answered one alone after that.
    sessions: dict[str, MediaSession] = Field(default_factory=lambda: {INVITED: MediaSession()})
    current: str = INVITED  # the dialog whose media is relayed: the one that was described last
    relays: tuple[PortRange, ...] = ()  # all workers, as far as we know

    @property
    def session(self) -> MediaSession:
        """What is relayed now."""
        return self.sessions[self.current]

    @property
    def codec(self) -> str | None:
        return self.session.codec

    @property
    def on_hold(self) -> bool:
        return self.session.on_hold

    def leg(self, party: Party) -> MediaLeg:
        """Our side towards a party."""
        return next(leg for leg in self.legs if leg.party == party)

    def learned(
        self,
        party: Party,
        description: SessionDescription,
        signalling_address: str,
        *,
        tag: str = INVITED,
        is_answer: bool = False,
    ) -> "Anchor":
        """The anchor after `party` has described its side in the dialog of this callee's tag.

        A dialog that did not become the call has no say any more.
        """
        session = self._session_of(tag)
        if session is None:
            return self
        sessions = dict(self.sessions)
        sessions[tag] = session.described(party, description, signalling_address, is_answer=is_answer)
        if len(sessions) > MAX_DIALOGS + 1:
            del sessions[next(known for known in sessions if known != INVITED)]
        return self._with(sessions, tag)

    def has_described(self, party: Party, tag: str) -> bool:
        """Whether `party` has said before where its media goes, in this dialog or for all of them."""
        session = self._session_of(tag)
        return session is not None and party in session.sides

    def settled(self, tag: str) -> "Anchor":
        """The anchor of a call that was answered in this dialog: what it negotiated counts, also in earlier messages;
        the others are dropped."""
        return self._with({tag: self.sessions.get(tag, self.session)}, tag)

    def agreed(self, media: Media, formats: Sequence[Format], signalling_address: str) -> "Anchor":
        """The anchor of a call that we answer ourselves: the caller's media, and the formats of it that we took."""
        session = self.session.taken("caller", [media], formats, signalling_address)
        return self._with({self.current: session}, self.current)

    def media_of(self, description: SessionDescription) -> Media | None:
        """The m= line of a caller's description that is served."""
        return next(iter(self.session.relayed_lines(description, is_answer=False)), None)

    def rewritten(
        self, party: Party, description: SessionDescription, *, tag: str = INVITED, is_answer: bool = False
    ) -> bytes:
        """The SDP of `party` as the other party may see it: media comes to our port towards the other."""
        session = self._session_of(tag) or self.session
        port = self.leg(other(party)).port
        lines = session.relayed_lines(description, is_answer=is_answer)
        return rewrite(description, self.address, {media.index: port for media in lines})

    def assigned(self, call_id: str, at: float) -> MediaAssigned:
        return MediaAssigned(at=at, call_id=call_id, **self._orders())

    def updated(self, call_id: str, at: float) -> MediaUpdated:
        return MediaUpdated(at=at, call_id=call_id, **self._orders())

    def _orders(self) -> dict[str, Any]:
        """What the worker is told."""
        return {name: getattr(self, name) for name in ("media_id", "mode", "legs", "impairment", "language")}

    def _session_of(self, tag: str) -> MediaSession | None:
        """What a message of this dialog starts from; None: of a dialog that did not become the call."""
        return self.sessions.get(tag, self.sessions.get(INVITED))

    def _with(self, sessions: Mapping[str, MediaSession], current: str) -> "Anchor":
        legs = tuple(sessions[current].leg(leg.party, leg.port) for leg in self.legs)
        if self._may_circle(legs):
            legs = tuple(leg.model_copy(update=_NOWHERE) for leg in legs)
        return self.model_copy(update={"sessions": dict(sessions), "current": current, "legs": legs})

    def _may_circle(self, legs: Sequence[MediaLeg]) -> bool:
        """Whether packets could run in a circle of calls for ever.

        A call may be led through us twice, so that one side of it is a relay port of ours. A circle needs calls that
        send to such a port and take from one: those get no addresses at all.
        """
        sent_here = [any(relay.is_sent_to(leg) for relay in self.relays) for leg in legs]
        from_here = [any(relay.is_host_of(leg) for relay in self.relays) for leg in legs]
        return len(legs) > 1 and all(from_here) and any(sent_here)


_NOWHERE = {"remote_address": None, "remote_port": None, "remote_rtcp_port": None, "signalling_address": None}
