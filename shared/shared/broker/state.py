"""Live state in Redis: short JSON documents with a time to live, so that any replica can carry on."""

from collections.abc import AsyncIterator

from shared.broker.connection import Client, broker_errors

# Sets KEYS[1] to ARGV[2] for ARGV[3] milliseconds (deletes it when ARGV[2] is empty) only if it still holds ARGV[1].
_COMPARE_AND_SET = """
local current = redis.call('GET', KEYS[1]) or ''
if current ~= ARGV[1] then return 0 end
if ARGV[2] == '' then redis.call('DEL', KEYS[1])
else redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) end
return 1
"""


class State:
    """Key to text, with expiry. Every call raises BrokerLost when Redis is away."""

    def __init__(self, redis: Client) -> None:
        self._redis = redis
        self._compare_and_set = redis.script(_COMPARE_AND_SET)

    async def get(self, key: str) -> str | None:
        with broker_errors():
            return await self._redis.get(key)

    async def put(self, key: str, value: str, ttl_s: float) -> None:
        with broker_errors():
            # not redis-py's own `set`: to put one together takes it longer than the server to do it
            await self._redis.execute_command("SET", key, value, "PX", int(ttl_s * 1000))

    async def create(self, key: str, value: str, ttl_s: float) -> bool:
        """Puts it where nothing is yet; False when something is."""
        with broker_errors():
            return bool(await self._redis.execute_command("SET", key, value, "NX", "PX", int(ttl_s * 1000)))

    async def delete(self, key: str) -> None:
        with broker_errors():
            await self._redis.delete(key)

    async def compare_and_set(self, key: str, expected: str | None, value: str | None, ttl_s: float) -> bool:
        """Replaces `expected` (None: absent) by `value` (None: delete) atomically; False when somebody was faster."""
        with broker_errors():
            done = await self._compare_and_set(keys=[key], args=[expected or "", value or "", int(ttl_s * 1000)])
            return bool(done)

    async def scan(self, prefix: str) -> AsyncIterator[tuple[str, str]]:
        """All (key, text) pairs under a prefix, in no order."""
        with broker_errors():
            async for key in self._redis.scan_iter(match=f"{prefix}*", count=500):
                value = await self._redis.get(key)
                if value is not None:
                    yield key, value
