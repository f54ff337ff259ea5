"""Right credentials are good once: whoever saw them on the wire cannot use them again (RFC 7616 3.4, 5.5).

Only uses by credentials that proved right are noted, so that strangers cannot fill Redis.
"""

from collections.abc import Callable

from shared.broker import BrokerLost, NonceUses
from shared.events import SECURITY
from sip_proxy.auth import Authenticated, Authenticator
from sip_proxy.context import Context
from sip_proxy.effects import Flow
from sip_proxy.sip.message import response_to
from sip_proxy.unavailable import retry_later
from sip_proxy.work import RequestArrived


class Replays:
    """Tells the first use of credentials from the second."""

    def __init__(
        self,
        context: Context,
        authenticator: Authenticator,
        uses: NonceUses,
        signed_in: Callable[[Flow, float], None],
    ) -> None:
        """`signed_in` learns over which flow somebody has proven who he is."""
        self._context = context
        self._signed_in = signed_in
        self._authenticator = authenticator
        self._uses = uses

    async def admits(self, work: RequestArrived) -> bool:
        """Whether the request may be served; if not, it has been answered."""
        if work.proof is None:
            return True
        try:
            used = await self._uses.used_before(work.proof.use)
        except BrokerLost:
            self._context.wire.respond(work.transaction, retry_later(work.request, self._context.token()))
            return False
        if used:
            self.refuse(work, work.proof)
            return False
        self.accept(work, work.proof)
        return True

    def accept(self, work: RequestArrived, proof: Authenticated) -> None:
        """For those who looked it up themselves: it was the first use."""
        self._signed_in(work.flow, self._context.now())
        self._context.publish(SECURITY, proof.event)

    def refuse(self, work: RequestArrived, proof: Authenticated) -> None:
        """It was not."""
        challenged = self._authenticator.replayed(proof, self._context.now())
        self._context.publish(SECURITY, challenged.event)
        response = response_to(
            work.request, challenged.status, to_tag=self._context.token(), headers=challenged.headers
        )
        self._context.wire.respond(work.transaction, response)
