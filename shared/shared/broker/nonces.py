"""Which digest nonces were used how often, so that credentials seen on the wire are good for nothing a second time."""

from dataclasses import dataclass

from shared.broker.connection import Client, broker_errors

# Lua for this script and for others that check a nonce on the way: whether this use of it was there before.
# A count (`nc`) is good once, and may come a little late: requests overtake each other on UDP. The value is the
# highest count and a mask of the last 16, bit 0 for the highest. Without a count (0) a nonce is good for one use.
USED_BEFORE = """
local function used_before(key, count, ttl_ms)
    if count == 0 then return not redis.call('SET', key, 'once', 'NX', 'PX', ttl_ms) end
    local highest, mask = string.match(redis.call('GET', key) or '0 0', '^(%d+) (%d+)$')
    highest, mask = tonumber(highest or 4294967296), tonumber(mask or 0)
    local ahead = count - highest
    if ahead > 0 then
        mask = ahead < 16 and bit.band(bit.lshift(mask, ahead), 65535) + 1 or 1
        highest = count
    elseif ahead <= -16 or bit.band(mask, bit.lshift(1, -ahead)) ~= 0 then
        return true
    else
        mask = bit.bor(mask, bit.lshift(1, -ahead))
    end
    redis.call('SET', key, string.format('%.0f %d', highest, mask), 'PX', ttl_ms)
    return false
end
"""


@dataclass(frozen=True, slots=True)
class NonceUse:
    """One use of a nonce, by credentials that proved right."""

    key: str
    count: int  # as the client counts; 0: it does not
    ttl_s: float  # how long the nonce is still good

    @property
    def args(self) -> tuple[int, int]:
        """What `used_before` takes beside the key."""
        return self.count, max(1, int(self.ttl_s * 1000))


class NonceUses:
    """The uses of all nonces."""

    def __init__(self, redis: Client) -> None:
        self._redis = redis
        self._script = redis.script(USED_BEFORE + "return used_before(KEYS[1], tonumber(ARGV[1]), ARGV[2]) and 1 or 0")

    async def used_before(self, use: NonceUse) -> bool:
        """Notes this use, and says whether it was one before.

        Raises:
            BrokerLost: nobody knows.
        """
        with broker_errors():
            return bool(await self._script(keys=[use.key], args=list(use.args)))
