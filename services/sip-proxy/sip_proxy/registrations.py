"""REGISTER, from the authenticated request to its answer (RFC 3261 10.3)."""

from email.utils import formatdate

import structlog

from shared.broker import BrokerLost
from shared.events import SECURITY
from sip_proxy import registrar
from sip_proxy.admission import not_allowed
from sip_proxy.context import Context
from sip_proxy.location import Location
from sip_proxy.registrar import Bindings, Refused
from sip_proxy.sip.errors import SipParseError
from sip_proxy.sip.message import response_to
from sip_proxy.unavailable import retry_later
from sip_proxy.work import RequestArrived

log = structlog.get_logger(__name__)


class Registrations:
    """Answers every REGISTER that came through the door."""

    def __init__(self, context: Context, location: Location, limits: registrar.Limits) -> None:
        self._context = context
        self._location = location
        self._limits = limits

    async def register(self, work: RequestArrived) -> None:
        try:
            aor = self._context.site.aor_of(work.request.to().uri)
        except SipParseError as error:
            self._answer(work, error.status or 400, error.reason)
            return
        user = aor.rpartition("@")[0]
        if work.account is None or user not in work.account.users:
            # RFC 3261 10.3 step 4: who it is was proven, that the address is his was not
            self._answer(work, 403)
            if work.account is not None:
                event = not_allowed(
                    work.request, work.flow, self._context.now(), work.account, "address of record not owned"
                )
                self._context.publish(SECURITY, event)
            return
        await self._change(work, aor)

    async def _change(self, work: RequestArrived, aor: str) -> None:
        now = self._context.now()

        def decide(bindings: Bindings) -> registrar.Accepted | Refused:
            return registrar.register(bindings, work.request, work.flow, now, self._limits)

        try:
            outcome = await self._location.change(aor, decide)
        except BrokerLost as error:
            # never 401, 403 or 404 for a fault of ours: devices give up for ever on those
            log.warning("registration refused, broker away", aor=aor, error=str(error))
            self._context.wire.respond(work.transaction, retry_later(work.request, self._context.token()))
            return
        if isinstance(outcome, Refused):
            shortest = outcome.min_expires_s
            self._answer(
                work, outcome.status, outcome.reason, [] if shortest is None else [("Min-Expires", str(shortest))]
            )
            return
        contacts = registrar.contact_headers(outcome.bindings, now)
        self._answer(work, 200, None, [*contacts, ("Date", formatdate(now, usegmt=True))])

    def _answer(
        self, work: RequestArrived, status: int, reason: str | None = None, headers: list[tuple[str, str]] | None = None
    ) -> None:
        response = response_to(work.request, status, reason, to_tag=self._context.token(), headers=headers or [])
        self._context.wire.respond(work.transaction, response)
