"""REGISTER, from the authenticated request to its answer (RFC 3261 10.3)."""

from collections.abc import Iterable
from email.utils import formatdate
from functools import lru_cache

import structlog

from shared.broker import BrokerLost
from shared.events import SECURITY
from sip_proxy.admission import not_allowed
from sip_proxy.auth import Authenticated
from sip_proxy.context import Context
from sip_proxy.registration import outbound, registrar
from sip_proxy.registration.contacts import objection
from sip_proxy.registration.location import Location
from sip_proxy.registration.registrar import Change, Refused
from sip_proxy.replays import Replays
from sip_proxy.sip.errors import SipParseError
from sip_proxy.sip.message import response_to
from sip_proxy.sip.uri import parse_uri
from sip_proxy.unavailable import retry_later
from sip_proxy.work import RequestArrived

log = structlog.get_logger(__name__)


@lru_cache(maxsize=1)
def _date(now: int) -> str:
    return formatdate(now, usegmt=True)


class Registrations:
    """Answers every REGISTER that came through the door."""

    def __init__(self, context: Context, location: Location, replays: Replays, limits: registrar.Limits) -> None:
        self._context = context
        self._location = location
        self._replays = replays
        self._limits = limits

    async def register(self, work: RequestArrived, proof: Authenticated) -> None:
        """Its nonce is looked up together with its bindings, in the same round trip; alone if it is refused before."""
        now = round(self._context.now(), 3)  # the numbers of Redis' JSON have 14 digits
        try:
            aor = self._context.site.aor_of(work.request.to().uri)
            change = registrar.asked(
                work.request, work.flow, self._context.instance, now, self._limits, proof.account.mark
            )
            why_not = self._objection(work, proof, aor, change, now)
        except SipParseError as error:
            change, why_not = Refused(error.status or 400, error.reason), None
        if why_not is not None:
            change = Refused(403, "Forbidden")
        if isinstance(change, Change):
            await self._change(work, proof, aor, change, now)
        elif await self._replays.admits(work):
            self._refuse(work, change)
            if why_not is not None:
                self._context.publish(SECURITY, not_allowed(work.request, work.flow, now, proof.account, why_not))

    def _objection(
        self, work: RequestArrived, proof: Authenticated, aor: str, change: Change | Refused, now: float
    ) -> str | None:
        """Why this account may not do this."""
        if aor.rpartition("@")[0] not in proof.account.users:
            # RFC 3261 10.3 step 4: who it is was proven, that the address is his was not
            return "address of record not owned"
        if isinstance(change, Refused):
            return None
        bound = (binding.contact for binding in change.contacts if binding.expires_at > now)
        objections = (objection(parse_uri(contact), work.flow, self._context.site) for contact in bound)
        return next(filter(None, objections), None)

    async def _change(self, work: RequestArrived, proof: Authenticated, aor: str, change: Change, now: float) -> None:
        try:
            outcome = await self._location.change(aor, change, proof.use, now)
        except BrokerLost as error:
            # never 401, 403 or 404 for a fault of ours: devices give up for ever on those
            log.warning("registration refused, broker away", aor=aor, error=str(error))
            self._context.wire.respond(work.transaction, retry_later(work.request, self._context.token()))
            return
        if outcome == "replayed":
            self._replays.refuse(work, proof)
            return
        self._replays.accept(work, proof)
        if isinstance(outcome, str):
            self._refuse(work, registrar.refused(outcome))
            return
        headers = [*registrar.contact_headers(outcome, now), *outbound.answered(work.request)]
        self._answer(work, 200, None, [*headers, ("Date", _date(int(now)))])

    def _refuse(self, work: RequestArrived, refused: Refused) -> None:
        self._answer(work, refused.status, refused.reason, refused.headers)

    def _answer(
        self, work: RequestArrived, status: int, reason: str | None = None, headers: Iterable[tuple[str, str]] = ()
    ) -> None:
        response = response_to(work.request, status, reason, to_tag=self._context.token(), headers=headers)
        self._context.wire.respond(work.transaction, response)
