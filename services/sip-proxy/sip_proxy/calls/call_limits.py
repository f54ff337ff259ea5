"""What an account may call, how many calls it may have at once, and how many in a day: a stolen password costs money
where calls do."""

from collections.abc import Container
from datetime import UTC, datetime

import structlog

from shared.broker import BrokerLost, Quotas
from shared.events import SECURITY, SessionLimit
from sip_proxy.accounts import Account, Accounts
from sip_proxy.admission import not_allowed
from sip_proxy.context import Context
from sip_proxy.effects import Flow
from sip_proxy.facts import facts_of
from sip_proxy.sip.message import Request, Response, response_to
from sip_proxy.texts import clean

log = structlog.get_logger(__name__)

LEASE_S = 2 * 3600.0  # of a call that is counted; renewed every hour (calls.py)


class CallLimits:
    """Asked before a call begins. Only accounts that have limits cost a look at Redis."""

    def __init__(self, context: Context, accounts: Accounts, extensions: Container[str], quotas: Quotas) -> None:
        self._context = context
        self._accounts = accounts
        self._extensions = extensions
        self._quotas = quotas

    async def refusal(self, request: Request, flow: Flow, account: Account | None) -> Response | None:
        """None: the call may begin, and is counted.

        Raises:
            BrokerLost: nobody knows how many there are.
        """
        user = request.parsed_uri.user or ""
        if account is None:
            return None
        here = user in self._extensions or self._accounts.owns_user(user)
        if not here and account.allowed_prefixes and not account.may_dial(user):
            return self._not_allowed(request, flow, account)
        if not account.is_counted:
            return None
        now = self._context.now()
        limit = await self._quotas.take(
            account.name,
            request.call_id,
            day=datetime.fromtimestamp(now, UTC).date().isoformat(),
            now=now,
            until=now + LEASE_S,
            at_once=account.max_calls,
            in_a_day=account.max_calls_per_day,
        )
        if limit is None:
            return None
        event = SessionLimit(**facts_of(request, flow, now, account.name), reason=f"too many calls {limit}")
        self._context.publish(SECURITY, event)
        status, reason = (486, None) if limit == "at once" else (403, "Too Many Calls Today")
        return response_to(request, status, reason, to_tag=self._context.token())

    async def release(self, account: str, call_id: str) -> None:
        """The call is over. Without Redis its lease runs out."""
        try:
            await self._quotas.release(account, call_id)
        except BrokerLost as error:
            log.warning("call still counted for a while", account=account, call_id=call_id, error=str(error))

    async def renew(self, account: str, call_id: str) -> None:
        """The call goes on."""
        try:
            await self._quotas.renew(account, call_id, self._context.now() + LEASE_S)
        except BrokerLost as error:
            log.warning("lease of a call not renewed", account=account, call_id=call_id, error=str(error))

    def _not_allowed(self, request: Request, flow: Flow, account: Account) -> Response:
        reason = f"may not dial {clean(request.parsed_uri.user or '', 64)}"
        event = not_allowed(request, flow, self._context.now(), account, reason)
        self._context.publish(SECURITY, event)
        return response_to(request, 403, to_tag=self._context.token())
