"""We as the outbound proxy of devices: what they send to their carrier, and what the carrier sends to them, as far as
it opens no dialog of ours yet. They authenticate each other; we lead the way, and the media of their calls."""

from dataclasses import dataclass

from shared.broker import BrokerLost
from shared.events import SECURITY
from sip_proxy.admission import not_allowed
from sip_proxy.calls.call_record import Outside
from sip_proxy.calls.invites import Invites
from sip_proxy.carriers.carriers import Carrier, Carriers
from sip_proxy.carriers.contact_tokens import ContactName, ContactTokens
from sip_proxy.carriers.contacts import hide
from sip_proxy.carriers.gate import Gate
from sip_proxy.carriers.next_hops import NextHops
from sip_proxy.carriers.registrations import CarrierRegistrations
from sip_proxy.carriers.resolver import Unresolved
from sip_proxy.carriers.sources import CarrierSources
from sip_proxy.context import Context
from sip_proxy.effects import Flow
from sip_proxy.errands import PlainErrand
from sip_proxy.registration.location import Location
from sip_proxy.routing import proxy
from sip_proxy.routing.forking import Fork
from sip_proxy.routing.forwarding import Forwarder, Target
from sip_proxy.routing.targets import targets_of
from sip_proxy.sip.headers import NameAddr
from sip_proxy.sip.message import Request, Response, response_to
from sip_proxy.sip.uri import SipUri
from sip_proxy.texts import clean
from sip_proxy.unavailable import make_retry_later, retry_later
from sip_proxy.work import RequestArrived


class CarrierRequests:
    """Serves requests between devices and carriers."""

    def __init__(
        self,
        context: Context,
        gate: Gate,
        carriers: Carriers,
        next_hops: NextHops,
        sources: CarrierSources,
        tokens: ContactTokens,
        registrations: CarrierRegistrations,
        location: Location,
        invites: Invites,
        forwarder: Forwarder,
    ) -> None:
        self._context = context
        self._gate = gate
        self._carriers = carriers
        self._next_hops = next_hops
        self._sources = sources
        self._tokens = tokens
        self._registrations = registrations
        self._location = location
        self._invites = invites
        self._forwarder = forwarder

    def concerns(self, request: Request) -> bool:
        return self._gate.destination(request) is not None or self._gate.is_for_contact(request)

    async def request(self, work: RequestArrived) -> None:
        """A request that came through the gate."""
        carrier, addressee = self._gate.destination(work.request), self._gate.addressee(work.request)
        if work.request.method == "INVITE":  # the DNS may take longer than its sender waits (RFC 3261 17.2.1)
            self._answer(work, response_to(work.request, 100, to_tag=None))
        if addressee is not None:
            await self._to_device(work, addressee)
        elif carrier is not None:
            _leave_way_here(work.request, self._context)
            await self._to_carrier(work, carrier)

    async def _to_carrier(self, work: RequestArrived, carrier: Carrier) -> None:
        if work.request.method == "REGISTER":
            await self._registrations.register(work, carrier)
            return
        target = await self._next_hops.target(carrier, work.request)
        if work.request.method == "INVITE":
            await self._call_out(work, carrier, target)
        elif target is None:
            self._answer(work, retry_later(work.request, self._context.token()))
        else:
            self._hide_subscriber(work.request, target)
            errand = _ToCarrier(work.transaction, Fork(work.request, self._context.token()))
            await self._forwarder.forward(errand, work.request, [target], record_route=False)

    def _hide_subscriber(self, request: Request, target: Target) -> None:
        """So that the NOTIFY comes the way of a call: there is no record that would know its dialog."""
        subscriber = request.from_().target
        if request.method == "SUBSCRIBE" and isinstance(subscriber, SipUri) and self._carriers.of(subscriber):
            transport = target.flow.transport
            hide(request, subscriber.aor(), self._tokens, transport, self._context.site.address_of(transport))

    async def _call_out(self, work: RequestArrived, carrier: Carrier, target: Target | None) -> None:
        record = await self._invites.begin(
            work,
            caller=_as_written(work.request.from_()),
            callee=work.request.parsed_uri.aor(),
            outside=Outside(party="callee", server=carrier.server_name),
        )
        if record is None:
            return
        if target is None:
            why = "no server of the carrier found"
            await self._invites.refuse(work, retry_later(work.request, self._context.token()), why)
            return
        await self._invites.connect(work, record, [[target]])

    async def _to_device(self, work: RequestArrived, addressee: ContactName) -> None:
        """From a carrier to a contact that registered through us, on the flow of its REGISTER."""
        request = work.request
        try:
            carrier = self._carriers.of_aor(addressee.aor)
            if carrier is None or not await self._sources.has(carrier, work.flow.remote.host):
                self._refuse_stranger(work)
                return
            registered = await self._location.bindings(addressee.aor)
        except (BrokerLost, Unresolved):
            self._answer(work, retry_later(request, self._context.token()))
            return
        bindings = [binding for binding in registered.live(self._context.now()) if addressee.means(binding.contact)]
        groups = targets_of(bindings, request, self._context.wire)
        if request.method == "INVITE" and request.to().tag is not None:
            self._answer(work, response_to(request, 481, to_tag=None))  # of a call that is over
        elif not groups:
            self._answer(work, response_to(request, 480, to_tag=self._context.token()))
        elif request.method == "INVITE":
            await self._call_in(work, carrier, addressee.aor, groups)
        else:
            request.headers.remove("Route")  # it has arrived
            errand = PlainErrand(work.transaction, Fork(request, self._context.token()))
            await self._forwarder.forward(errand, request, groups[0], record_route=False)

    async def _call_in(self, work: RequestArrived, carrier: Carrier, aor: str, groups: list[list[Target]]) -> None:
        record = await self._invites.begin(
            work,
            caller=_as_written(work.request.from_()),
            callee=aor,
            outside=Outside(party="caller", server=carrier.server_name),
        )
        if record is not None:
            work.request.headers.remove("Route")
            await self._invites.connect(work, record, groups)

    def _refuse_stranger(self, work: RequestArrived) -> None:
        self._answer(work, response_to(work.request, 403, to_tag=self._context.token()))
        event = not_allowed(work.request, work.flow, self._context.now(), None, "not an address of the carrier")
        self._context.publish(SECURITY, event)

    def _answer(self, work: RequestArrived, response: Response) -> None:
        self._context.wire.respond(work.transaction, response)


@dataclass(slots=True)
class _ToCarrier(PlainErrand):
    """An errand without consequences, to servers that may all be out of order."""

    async def relay(self, response: Response, flow: Flow | None) -> None:
        if flow is None:
            make_retry_later(response)


def _leave_way_here(request: Request, context: Context) -> None:
    """The topmost Route led to us, whatever it calls us: we go by what is configured, not by what a device writes."""
    proxy.take_own_routes(request, context.site)
    request.headers.remove("Route")


def _as_written(party: NameAddr) -> str:
    """Who it is in the carrier's world: there is no address of record of ours."""
    return party.target.aor() if isinstance(party.target, SipUri) else clean(str(party.target), 512)
