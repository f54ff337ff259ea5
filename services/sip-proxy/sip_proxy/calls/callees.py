"""Devices that are asked for: where they can be reached now, or how their absence is told."""

from sip_proxy.accounts import Accounts
from sip_proxy.context import Context
from sip_proxy.registration.location import Location
from sip_proxy.routing.forwarding import Target
from sip_proxy.routing.targets import targets_of
from sip_proxy.sip.message import Request, Response, response_to


class Callees:
    """Looks up addresses of record, for calls and for requests outside of them."""

    def __init__(self, context: Context, accounts: Accounts, location: Location) -> None:
        self._context = context
        self._accounts = accounts
        self._location = location

    async def targets(self, aor: str, request: Request) -> list[list[Target]]:
        """In groups, as `targets_of`; none for a device that is not there.

        Raises:
            BrokerLost: nobody knows now.
        """
        registered = await self._location.bindings(aor)
        return targets_of(registered.live(self._context.now()), request, self._context.wire)

    def absence(self, aor: str, request: Request) -> Response:
        """RFC 3261 21.4.18: an account that is not there is another matter than one that does not exist."""
        known = self._accounts.owns_user(aor.rpartition("@")[0])
        return response_to(request, 480 if known else 404, to_tag=self._context.token())
