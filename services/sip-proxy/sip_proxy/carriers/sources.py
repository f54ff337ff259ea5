"""From where carriers speak to us: the addresses of their names, and the networks that an operator has named."""

from sip_proxy.carriers.carriers import Carrier, Carriers
from sip_proxy.carriers.next_hops import NextHops
from sip_proxy.carriers.resolver import Unresolved


class CarrierSources:
    """Asked for what comes unauthenticated in a carrier's name."""

    def __init__(self, carriers: Carriers, next_hops: NextHops) -> None:
        self._carriers = carriers
        self._next_hops = next_hops

    async def has(self, carrier: Carrier, host: str) -> bool:
        """Whether the carrier may speak from this address.

        Raises:
            Unresolved: nobody knows now.
        """
        return self._carriers.may_call_in(host) or await self._next_hops.is_server(carrier, host)

    async def has_named(self, server: str, host: str) -> bool:
        """The same for the carrier of this server name; no where nobody knows now."""
        carrier = self._carriers.with_server(server)
        try:
            return carrier is not None and await self.has(carrier, host)
        except Unresolved:
            return False
