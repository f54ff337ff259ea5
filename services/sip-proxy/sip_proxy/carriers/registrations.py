"""REGISTER of a device with its carrier, led through us: the carrier decides, and we note where the device is."""

from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from shared.broker import BrokerLost
from sip_proxy.carriers.carriers import Carrier
from sip_proxy.carriers.contact_tokens import ContactTokens
from sip_proxy.carriers.contacts import add_path, as_granted, hide, keeps_tokens, own_contacts, reveal
from sip_proxy.carriers.next_hops import NextHops
from sip_proxy.context import Context
from sip_proxy.effects import Flow, ServerKey
from sip_proxy.registration import registrar
from sip_proxy.registration.bindings import Bindings
from sip_proxy.registration.location import Location
from sip_proxy.registration.registrar import Change, Refused
from sip_proxy.routing.forking import Fork
from sip_proxy.routing.forwarding import Forwarder
from sip_proxy.sip.errors import SipParseError
from sip_proxy.sip.message import Request, Response, response_to
from sip_proxy.texts import is_unicode
from sip_proxy.unavailable import make_retry_later, retry_later
from sip_proxy.work import RequestArrived

log = structlog.get_logger(__name__)

# The carrier has decided already.
_NO_LIMITS = registrar.Limits(min_expires_s=0, max_expires_s=2**32)


class CarrierRegistrations:
    """Passes them, with credentials that we do not know, and their answers."""

    def __init__(
        self,
        context: Context,
        next_hops: NextHops,
        tokens: ContactTokens,
        location: Location,
        forwarder: Forwarder,
        signed_in: Callable[[Flow, float], None],
    ) -> None:
        """`signed_in`: told of who is no stranger any more."""
        self._context = context
        self._next_hops = next_hops
        self._tokens = tokens
        self._location = location
        self._forwarder = forwarder
        self._signed_in = signed_in

    async def register(self, work: RequestArrived, carrier: Carrier) -> None:
        request = work.request
        if not all(map(is_unicode, request.headers.get_all("Contact"))):
            response = response_to(request, 400, "Unusable Contact", to_tag=self._context.token())
            self._context.wire.respond(work.transaction, response)
            return
        target = await self._next_hops.target(carrier, request)
        if target is None:
            self._context.wire.respond(work.transaction, retry_later(request, self._context.token()))
            return
        aor = request.to().uri.aor()
        passed = request.copy()
        way_back = target.flow.transport, self._context.site.address_of(target.flow.transport)
        hide(passed, aor, self._tokens, *way_back)
        add_path(passed, *way_back)
        errand = _Registering(work.transaction, Fork(passed, self._context.token()), self, work, aor)
        await self._forwarder.forward(errand, passed, [target], record_route=False)

    async def response_passes(self, errand: "_Registering", response: Response, flow: Flow | None) -> None:
        if flow is None:
            make_retry_later(response)  # none of the carrier's servers serves us
        elif response.status < 300:
            # The carrier has let the device in; and it is the carrier, as it had our branch.
            for known in (errand.work.flow, flow):
                self._signed_in(known, self._context.now())
            try:
                await self._granted(errand, response)
            except BrokerLost as error:
                # the device would be registered, but could not be called
                log.warning("registration with carrier not kept, broker away", aor=errand.aor, error=str(error))
                make_retry_later(response)

    async def _granted(self, errand: "_Registering", response: Response) -> None:
        request = errand.work.request
        asked = set() if request.contacts == "*" else {str(contact.target) for contact in request.contacts}
        known = await self._location.bindings(errand.aor)
        everybody = asked | {binding.contact for binding in known.live(self._context.now())}
        if asked and "Contact" in response.headers and not keeps_tokens(response):
            log.warning("carrier keeps no parameters of contacts, its calls may not find us", aor=errand.aor)
        granted = reveal(response, own_contacts(self._tokens, errand.aor, everybody, self._context.site.is_us))
        await self._note(errand.aor, as_granted(request, response, granted), errand.work.flow)

    async def _note(self, aor: str, register: Request, flow: Flow) -> None:
        now = round(self._context.now(), 3)  # the numbers of Redis' JSON have 14 digits
        try:
            change = registrar.asked(register, flow, self._context.instance, now, _NO_LIMITS)
        except SipParseError as error:
            change = Refused(error.status or 400, error.reason)
        done = await self._location.change(aor, change, None, now) if isinstance(change, Change) else change
        if not isinstance(done, Bindings):
            log.warning("registration with carrier not noted", aor=aor, why=str(done))


@dataclass(slots=True)
class _Registering:
    """The errand of one REGISTER."""

    server: ServerKey
    fork: Fork
    registrations: CarrierRegistrations = field(repr=False)
    work: RequestArrived  # as it came from the device
    aor: str

    async def relay(self, response: Response, flow: Flow | None) -> None:
        await self.registrations.response_passes(self, response, flow)

    async def unanswered(self) -> None:
        """RFC 4320: nobody is told."""
