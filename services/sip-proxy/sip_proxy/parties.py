"""The way to a party of a running call, wherever that party is now."""

from shared.broker import BrokerLost
from shared.events import Party
from sip_proxy.calls.call_record import CallRecord
from sip_proxy.context import Context
from sip_proxy.effects import Flow
from sip_proxy.registration.bindings import Binding
from sip_proxy.registration.location import Location
from sip_proxy.sip.message import Request
from sip_proxy.sip.uri import SipUri, parse_uri, uris_equal


class Parties:
    """Finds the flow for a request inside a call."""

    def __init__(self, context: Context, location: Location) -> None:
        self._context = context
        self._location = location

    async def way_to(self, party: Party, record: CallRecord, request: Request) -> Flow | None:
        """From where the party speaks to us in this call (NAT); when that connection is gone, from where its device
        has registered since, or, to a carrier, over a new one. None: it cannot be reached."""
        flow = record.flow_to(party, request)
        if flow is None:
            return None
        way, server = self._context.wire.way(flow), record.server_of(party)
        if way is None and server is not None:
            return self._context.wire.connect(flow, server)
        return way or await self._registered_way(record.aor_of(party), flow, request)

    async def _registered_way(self, aor: str, lost: Flow, request: Request) -> Flow | None:
        try:
            bindings = (await self._location.bindings(aor)).live(self._context.now())
        except BrokerLost:
            return None
        alike = [(likeness, one) for one in bindings if (likeness := _likeness(one, lost, request.parsed_uri))]
        ways = (self._context.wire.way(one.flow) for _, one in sorted(alike, key=lambda item: -item[0]))
        return next((way for way in ways if way is not None), None)


def _likeness(binding: Binding, lost: Flow, target: SipUri) -> int:
    """How surely a binding is of the device that a dialog is with: by its contact, or else by its host."""
    if uris_equal(parse_uri(binding.contact), target):
        return 2
    return 1 if binding.flow.remote.host == lost.remote.host else 0
