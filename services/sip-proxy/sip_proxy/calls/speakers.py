"""Whether a request inside a call comes from the party that its tags name: tags and Call-ID can be read on the wire,
and UDP takes any sender, so that whoever has seen them could end or redirect a call."""

from collections.abc import Awaitable, Callable

from shared.events import SECURITY, Party, UnexpectedAddress
from sip_proxy.auth import Authenticated, Authenticator
from sip_proxy.calls.call_record import CallRecord
from sip_proxy.context import Context
from sip_proxy.effects import Flow
from sip_proxy.facts import facts_of
from sip_proxy.registration.location import Location
from sip_proxy.sip.errors import SipParseError
from sip_proxy.sip.message import Request, Response, response_to


class Speakers:
    """Asked for every request of a dialog: who may speak for a party."""

    def __init__(
        self,
        context: Context,
        authenticator: Authenticator,
        location: Location,
        is_trusted: Callable[[Flow], bool],
        is_carriers: Callable[[str, str], Awaitable[bool]],
    ) -> None:
        """`is_carriers`: whether the carrier of this server name speaks from this address."""
        self._context = context
        self._authenticator = authenticator
        self._location = location
        self._is_trusted = is_trusted
        self._is_carriers = is_carriers

    async def refusal(self, record: CallRecord, sender: Party, request: Request, flow: Flow) -> Response | None:
        """None for a sender that we know: by his address (whatever the port: a NAT may change it, a connection may be
        new), by one that he is registered from, by a trusted one, or from anywhere by his credentials.

        Raises:
            BrokerLost: his registration cannot be looked up.
        """
        host = flow.remote.host
        if host in record.hosts_of(sender) or self._is_trusted(flow):
            return None
        server = record.server_of(sender)
        if server is not None and await self._is_carriers(server, host):
            return None
        by_credentials = self._judge_credentials(record, sender, request, flow)
        if by_credentials is None or await self._is_registered_at(record.aor_of(sender), host):
            return None
        event = unexpected_address(request, flow, self._context.now(), f"not an address of the {sender}")
        self._context.publish(SECURITY, event)
        return by_credentials

    def _judge_credentials(self, record: CallRecord, sender: Party, request: Request, flow: Flow) -> Response | None:
        """None when they are his; a challenge when they could be, but are old; else the door is closed."""
        refused = response_to(request, 403, to_tag=self._context.token())
        try:
            verdict = self._authenticator.check(request, flow, self._context.now(), as_proxy=True)
        except SipParseError:
            return refused
        if isinstance(verdict, Authenticated):
            return None if record.aor_of(sender).rpartition("@")[0] in verdict.account.users else refused
        if verdict.answered is None or verdict.is_failure:
            return refused
        return response_to(request, verdict.status, to_tag=self._context.token(), headers=verdict.headers)

    async def _is_registered_at(self, aor: str, host: str) -> bool:
        bindings = await self._location.bindings(aor)
        return any(binding.flow.remote.host == host for binding in bindings.live(self._context.now()))


def unexpected_address(request: Request, flow: Flow, now: float, reason: str) -> UnexpectedAddress:
    """The event for a request from where it cannot come from."""
    return UnexpectedAddress(**facts_of(request, flow, now), reason=reason)
