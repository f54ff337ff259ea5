"""Between a device and its carrier: which requests are for whom, and which of them may pass. From the message alone."""

from sip_proxy.carriers.carriers import Carrier, Carriers
from sip_proxy.carriers.contact_tokens import ContactName, ContactTokens, token_of
from sip_proxy.effects import Flow
from sip_proxy.routing.site import Site
from sip_proxy.sip.errors import SipParseError
from sip_proxy.sip.message import Request
from sip_proxy.sip.uri import SipUri


class Gate:
    """Knows requests outside of dialogs; those inside have a call that knows them."""

    def __init__(self, site: Site, carriers: Carriers, tokens: ContactTokens) -> None:
        self._site = site
        self._carriers = carriers
        self._tokens = tokens

    def destination(self, request: Request) -> Carrier | None:
        """The carrier that the request is for."""
        if not self._carriers or request.to().tag is not None:
            return None
        return self._carriers.of(request.parsed_uri)

    def is_for_contact(self, request: Request) -> bool:
        """Whether the request is for a contact that we gave a carrier, genuine or not."""
        return self._token(request) is not None

    def addressee(self, request: Request) -> ContactName | None:
        """The contact that it is for; None also for a token that we did not make."""
        token = self._token(request)
        return None if token is None else self._tokens.read(token)

    def objection(self, request: Request, flow: Flow) -> str | None:
        """Why a request for a carrier or for such a contact may not pass."""
        if self.is_for_contact(request):
            return None if self.addressee(request) is not None else "unknown contact token"
        if not self._carriers.may_call(flow.remote.host):
            return "carrier not open to this address"
        if request.method == "REGISTER" and not self._is_for_carrier(request):
            return "address of record of another domain"
        return None

    def _is_for_carrier(self, request: Request) -> bool:
        """Whether the To of a REGISTER is with a carrier as well: else it would bind an address that is ours."""
        try:
            return self._carriers.of(request.to().uri) is not None
        except SipParseError:
            return False

    def _token(self, request: Request) -> str | None:
        """In the Request-URI, or in our Route, where the carrier goes by the Path (RFC 3327)."""
        if not self._carriers:
            return None
        uris = [request.parsed_uri, *(route.target for route in request.routes[:1])]
        ours = [uri for uri in uris if isinstance(uri, SipUri) and self._site.is_us(uri)]
        return next((token for uri in ours if (token := token_of(uri)) is not None), None)
