"""The door: what a new request is answered at once and without any state (RFC 3261 8.2.7, 16.3), and what may come in.

Everything here is decided from the message alone, in the order of RFC 3261 16.3: scheme, Max-Forwards, loop,
Proxy-Require, credentials. Nobody learns without credentials which users exist: until then all answers are equal.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from shared.events import Event, InvalidTransport, RequestNotAllowed
from sip_proxy.accounts import Account
from sip_proxy.auth import Authenticated, Authenticator, Challenged
from sip_proxy.carriers.gate import Gate
from sip_proxy.effects import Flow
from sip_proxy.facts import facts_of
from sip_proxy.routing.proxy import is_loop
from sip_proxy.routing.site import Site
from sip_proxy.sip.digest import keyed_hash
from sip_proxy.sip.errors import SipParseError
from sip_proxy.sip.message import Request, Response, response_to
from sip_proxy.sip.uri import is_secure
from sip_proxy.texts import is_unicode

ALLOW = "INVITE, ACK, BYE, CANCEL, OPTIONS, UPDATE, INFO, REGISTER"
# What we know by name, so that 405 and not 501 is right (RFC 3261 8.2.1).
KNOWN_METHODS = frozenset(
    {"INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "UPDATE", "INFO", "REGISTER"}
    | {"PRACK", "REFER", "MESSAGE", "SUBSCRIBE", "NOTIFY", "PUBLISH"}
)
# These only exist inside a dialog or a transaction.
_NEEDS_DIALOG = frozenset({"BYE", "UPDATE", "PRACK", "NOTIFY"})
# What our events and keys carry; real ones have under 100 characters.
MAX_TAG = 256
MAX_USER = 256


@dataclass(frozen=True, slots=True)
class Reply:
    """Answer this, and forget the request."""

    response: Response
    events: tuple[Event, ...] = ()
    challenge: Challenged | None = None  # what it asks for


@dataclass(frozen=True, slots=True)
class Admitted:
    proof: Authenticated | None = None
    events: tuple[Event, ...] = ()

    @property
    def account(self) -> Account | None:
        return None if self.proof is None else self.proof.account


class Door:
    """Decides about requests that belong to no transaction yet, except ACK and CANCEL."""

    def __init__(self, site: Site, authenticator: Authenticator, extensions: Mapping[str, object], gate: Gate) -> None:
        self._site = site
        self._authenticator = authenticator
        self._extensions = extensions
        self._gate = gate

    def admit(self, request: Request, flow: Flow, now: float) -> Reply | Admitted:
        try:
            return self._admit(request, flow, now)
        except SipParseError as error:
            return Reply(self.answer(request, error.status or 400, error.reason))

    def answer(
        self, request: Request, status: int, reason: str | None = None, headers: tuple[tuple[str, str], ...] = ()
    ) -> Response:
        """A stateless answer: a retransmission of the request gets the same one, tag included (RFC 3261 8.2.7)."""
        return response_to(request, status, reason, to_tag=self._tag(request), headers=headers)

    def _admit(self, request: Request, flow: Flow, now: float) -> Reply | Admitted:
        user = request.parsed_uri.user  # raises 416 for a scheme that we do not know
        if is_secure(request.uri) and flow.transport != "tls":
            # RFC 3261 26.2.2: somebody on the way has broken the promise already
            return Reply(self.answer(request, 403, "SIPS Needs TLS"))
        unusable = _unusable(request, user)
        if unusable is not None:
            return Reply(self.answer(request, 400, unusable))
        passes = self._gate.destination(request) is not None or self._gate.is_for_contact(request)
        refusal = self._cannot_pass(request, local=not passes and self._is_for_us(request, user))
        if refusal is not None:
            return Reply(refusal)
        if passes:
            return self._between_device_and_carrier(request, flow, now)
        if request.method == "REGISTER":
            return self._authenticate(request, flow, now, as_proxy=False)
        if request.to().tag is not None:
            return Admitted()  # the call decides whether it knows this dialog
        return self._outside_dialogs(request, user, flow, now)

    def _between_device_and_carrier(self, request: Request, flow: Flow, now: float) -> Reply | Admitted:
        """They authenticate each other: what we can ask is where it comes from, and whether we gave out the contact."""
        objection = self._gate.objection(request, flow)
        if objection is None:
            return Admitted()
        return Reply(self.answer(request, 403), (not_allowed(request, flow, now, None, objection),))

    def _outside_dialogs(self, request: Request, user: str | None, flow: Flow, now: float) -> Reply | Admitted:
        method = request.method
        if method in _NEEDS_DIALOG:
            return Reply(self.answer(request, 481))
        if method in ("SUBSCRIBE", "PUBLISH"):
            return Reply(self.answer(request, 489))  # RFC 6665 7.2: unanswered, phones would ask for ever
        ours = user is None or user in self._extensions
        if ours and method == "OPTIONS":
            return Reply(self.answer(request, 200, headers=capabilities()))
        if ours and not (method == "INVITE" and user is not None):
            if method == "INVITE":
                return self._authenticate(request, flow, now, as_proxy=True)
            status = 405 if method in KNOWN_METHODS else 501
            return Reply(self.answer(request, status, headers=(("Allow", ALLOW),)))
        return self._authenticate(request, flow, now, as_proxy=not ours)

    def _is_for_us(self, request: Request, user: str | None) -> bool:
        return request.method == "REGISTER" or user is None or user in self._extensions

    def _cannot_pass(self, request: Request, *, local: bool) -> Response | None:
        if request.max_forwards == 0 and not local:
            return self.answer(request, 483)
        if is_loop(request, self._site):
            return self.answer(request, 482)
        # RFC 3261 16.3 step 5: we offer no proxy feature that could be required
        required = request.headers.get_all("Proxy-Require")
        if required:
            return self.answer(request, 420, headers=(("Unsupported", ", ".join(required)),))
        return None

    def _authenticate(self, request: Request, flow: Flow, now: float, *, as_proxy: bool) -> Reply | Admitted:
        verdict = self._authenticator.check(request, flow, now, as_proxy=as_proxy)
        if isinstance(verdict, Challenged):
            return Reply(self.answer(request, verdict.status, headers=verdict.headers), (verdict.event,), verdict)
        if flow.transport not in verdict.account.transports:
            facts = facts_of(request, flow, now, verdict.account.name)
            event = InvalidTransport(**facts, reason=f"only {', '.join(sorted(verdict.account.transports))}")
            return Reply(self.answer(request, 403, "Transport Not Allowed"), (event,))
        return Admitted(verdict)

    def _tag(self, request: Request) -> str:
        # the values as they came: this also answers what could not be parsed
        identity = [request.headers.get(name) or "" for name in ("Via", "Call-ID", "From", "CSeq")]
        octets = "\n".join(identity).encode("utf-8", "surrogateescape")
        # RFC 3261 19.3: 32 bits at least; no more, as it goes to strangers (modesty.py)
        return keyed_hash(self._authenticator.secret, octets, 4).hex()


def _unusable(request: Request, user: str | None) -> str | None:
    """What we keep of a request must be text of a reasonable length: the reason why it is not, if so."""
    names = {
        "From Tag": (request.from_().tag or "", MAX_TAG),
        "To Tag": (request.to().tag or "", MAX_TAG),
        "Request-URI User": (user or "", MAX_USER),
        "From User": (getattr(request.from_().target, "user", None) or "", MAX_USER),
        "To User": (getattr(request.to().target, "user", None) or "", MAX_USER),
    }
    for name, (text, limit) in names.items():
        if len(text) > limit or not is_unicode(text):
            return f"Unusable {name}"
    return None


def capabilities() -> tuple[tuple[str, str], ...]:
    """RFC 3261 11.2: what OPTIONS tells."""
    return (("Allow", ALLOW), ("Accept", "application/sdp"), ("Supported", "timer"))


def not_allowed(request: Request, flow: Flow, now: float, account: Account | None, reason: str) -> RequestNotAllowed:
    """The event for a well-formed request that we refuse; `account`: who was proven to have sent it."""
    return RequestNotAllowed(**facts_of(request, flow, now, None if account is None else account.name), reason=reason)
