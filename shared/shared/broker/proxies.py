"""The SIP proxies that live, and every address that one of them has or had."""

from collections.abc import Iterable

from shared.broker.connection import Client, broker_errors

LIFE_S = 3.0
_NAMES = "vqm:proxies"
_ADDRESSES = "vqm:proxy-addresses"


class Proxies:
    """The registry of proxies. Every call raises BrokerLost when Redis is away."""

    def __init__(self, redis: Client) -> None:
        self._redis = redis

    async def announce(self, instance: str, document: str, addresses: Iterable[str]) -> None:
        """Says that this one lives; what it listens on is remembered for good, as calls may outlive it."""
        with broker_errors():
            await self._redis.set(f"vqm:proxy:{instance}", document, px=int(LIFE_S * 1000))
            await self._redis.sadd(_NAMES, instance)
            await self._redis.sadd(_ADDRESSES, *addresses)

    async def live(self) -> list[str]:
        """What those say of themselves that announced themselves within the last seconds."""
        with broker_errors():
            names = sorted(await self._redis.smembers(_NAMES))
            texts = await self._redis.mget([f"vqm:proxy:{name}" for name in names]) if names else []
            return [text for text in texts if text]

    async def addresses(self) -> frozenset[str]:
        """Every address that was ever announced."""
        with broker_errors():
            return frozenset(await self._redis.smembers(_ADDRESSES))
