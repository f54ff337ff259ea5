"""How many calls an account has at once and has had today, counted for all proxies together."""

from typing import Literal

from shared.broker.connection import Client, broker_errors

Limit = Literal["at once", "in a day"]

_LIMITS: tuple[Limit | None, ...] = (None, "at once", "in a day")  # by what the script answers
DAY_KEPT_MS = 48 * 3600 * 1000

# KEYS: the calls of the account by the end of their leases, the number of its calls today.
# ARGV: call id, now, end of the lease, most calls at once and in a day (-1: any), how long the day's number is kept.
_TAKE = """
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[2])
if redis.call('ZSCORE', KEYS[1], ARGV[1]) then return 0 end
local at_once, in_a_day = tonumber(ARGV[4]), tonumber(ARGV[5])
if at_once >= 0 and redis.call('ZCARD', KEYS[1]) >= at_once then return 1 end
if in_a_day >= 0 and tonumber(redis.call('GET', KEYS[2]) or '0') >= in_a_day then return 2 end
redis.call('ZADD', KEYS[1], ARGV[3], ARGV[1])
redis.call('EXPIREAT', KEYS[1], math.ceil(tonumber(ARGV[3])))
redis.call('INCR', KEYS[2])
redis.call('PEXPIRE', KEYS[2], ARGV[6])
return 0
"""
# A call that nobody renews any more, as its proxy died for good, is not counted for ever.
_RENEW = """
if redis.call('ZSCORE', KEYS[1], ARGV[1]) then
  redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
  redis.call('EXPIREAT', KEYS[1], math.ceil(tonumber(ARGV[2])))
end
return 0
"""


class Quotas:
    """Every method raises BrokerLost when Redis is away."""

    def __init__(self, redis: Client) -> None:
        self._redis = redis
        self._take = redis.script(_TAKE)
        self._renew = redis.script(_RENEW)

    async def take(
        self,
        account: str,
        call_id: str,
        *,
        day: str,
        now: float,
        until: float,
        at_once: int | None,
        in_a_day: int | None,
    ) -> Limit | None:
        """Counts a call, or says which limit forbids it: all in one step, so that two proxies never both take the last.

        `day` names the day; the call counts until it is released, or until `until` if nobody renews it."""
        keys = [_calls(account), f"vqm:quota:{account}:{day}"]
        limits = [-1 if limit is None else limit for limit in (at_once, in_a_day)]
        with broker_errors():
            answer = int(await self._take(keys=keys, args=[call_id, now, until, *limits, DAY_KEPT_MS]))
        return _LIMITS[answer]

    async def renew(self, account: str, call_id: str, until: float) -> None:
        """A counted call goes on."""
        with broker_errors():
            await self._renew(keys=[_calls(account)], args=[call_id, until])

    async def release(self, account: str, call_id: str) -> None:
        """A call is over."""
        with broker_errors():
            await self._redis.zrem(_calls(account), call_id)


def _calls(account: str) -> str:
    return f"vqm:quota:{account}"
