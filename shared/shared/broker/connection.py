"""How to reach Redis or Valkey, and the one error that says it is away."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, Protocol, cast

from redis.asyncio import Redis, SSLConnection
from redis.exceptions import BusyLoadingError, ConnectionError, ReadOnlyError, TimeoutError

from shared.broker.batch import Batch
from shared.broker.channel import Channel, Command
from shared.broker.script import Script

# A blocking read waits 1 s at most (bus.py); a server silent for longer than this is gone.
SOCKET_TIMEOUT_S = 5.0

AWAY = (ConnectionError, TimeoutError, BusyLoadingError, ReadOnlyError)

Fields = dict[str, str]
StreamReply = list[tuple[str, list[tuple[str, Fields | None]]]]  # None: the entry was trimmed while it was pending


class BrokerLost(Exception):
    """Redis cannot be reached now. Try again later; nothing was lost on our side."""


class Client(Protocol):
    """The part of redis-py that we use, with the answers that decoded RESP2 gives: redis-py's own types cover every
    protocol and encoding at once, so that nothing could be told from them."""

    def execute_command(self, *args: str | int) -> Awaitable[Any]: ...
    def get(self, name: str) -> Awaitable[str | None]: ...
    def set(self, name: str, value: str, *, px: int, get: bool = False) -> Awaitable[str | None]: ...
    def mget(self, keys: Sequence[str]) -> Awaitable[list[str | None]]: ...
    def delete(self, *names: str) -> Awaitable[int]: ...
    def scan_iter(self, match: str, count: int) -> AsyncIterator[str]: ...
    def hvals(self, name: str) -> Awaitable[list[str]]: ...
    def sadd(self, name: str, *values: str | int) -> Awaitable[int]: ...
    def srem(self, name: str, *values: str) -> Awaitable[int]: ...
    def smembers(self, name: str) -> Awaitable[AbstractSet[str]]: ...
    def zrem(self, name: str, *values: str) -> Awaitable[int]: ...
    def zrange(self, name: str, start: int, end: int) -> Awaitable[list[str]]: ...
    def zrangebyscore(self, name: str, min: str, max: float, start: int, num: int) -> Awaitable[list[str]]: ...
    def zcard(self, name: str) -> Awaitable[int]: ...
    def blpop(self, keys: str, timeout: float) -> Awaitable[object]: ...
    def xgroup_create(self, name: str, groupname: str, id: str, mkstream: bool) -> Awaitable[object]: ...
    def xreadgroup(
        self, groupname: str, consumername: str, streams: Mapping[str, str], count: int, block: int | None = None
    ) -> Awaitable[StreamReply]: ...
    def xautoclaim(
        self, name: str, groupname: str, consumername: str, min_idle_time: int, count: int
    ) -> Awaitable[Sequence[Any]]: ...
    def xread(self, streams: Mapping[str, str], count: int, block: int) -> Awaitable[StreamReply]: ...
    def xrevrange(self, name: str, count: int) -> Awaitable[list[tuple[str, Fields]]]: ...
    def xack(self, name: str, groupname: str, *ids: str) -> Awaitable[int]: ...
    def xlen(self, name: str) -> Awaitable[int]: ...
    def xtrim(
        self, name: str, *, approximate: bool, maxlen: int | None = None, minid: str | None = None
    ) -> Awaitable[int]: ...
    def xinfo_groups(self, name: str) -> Awaitable[list[dict[str, Any]]]: ...
    def xpending(self, name: str, groupname: str) -> Awaitable[dict[str, Any]]: ...
    def script(self, text: str) -> Script: ...
    def batch(self, *, transaction: bool) -> Batch: ...
    def flushdb(self) -> Awaitable[object]: ...
    def aclose(self) -> Awaitable[None]: ...


# What the server holds back until something comes must not hold up others: it goes through a channel of its own.
_WAITING = frozenset({"BLPOP", "XREAD", "XREADGROUP"})


class _Client(Redis):
    """redis-py's commands and its reading of the replies, but led through channels."""

    def lead_through(self, make_channel: Callable[[], Channel]) -> None:
        """Before first use."""
        self._make_channel = make_channel
        self._channel = make_channel()
        # Those for waiting: each serves one waiter at a time.
        self._waiting: set[Channel] = set()
        self._idle: list[Channel] = []

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        name: str = args[0]
        # redis-py names subcommands in one word, the server wants two: `XINFO GROUPS`
        command = (*name.split(), *args[1:]) if " " in name else args
        reply = await (self._wait(command) if name in _WAITING else self._channel.execute(command))
        options.pop("keys", None)  # redis-py means them for its cache
        read = self.response_callbacks.get(name)
        return reply if read is None else read(reply, **options)

    async def _wait(self, command: Command) -> Any:
        channel = self._idle.pop() if self._idle else self._make_channel()
        self._waiting.add(channel)
        try:
            return await channel.execute(command)
        except asyncio.CancelledError:
            await channel.drop()  # the server still waits there
            raise
        finally:
            self._waiting.remove(channel)
            self._idle.append(channel)

    def script(self, text: str) -> Script:
        return Script(self._channel, text)

    def batch(self, *, transaction: bool) -> Batch:
        return Batch(self._channel, transaction=transaction)

    async def aclose(self, close_connection_pool: bool | None = None) -> None:
        for channel in (self._channel, *self._waiting, *self._idle):
            await channel.close()
        await super().aclose(close_connection_pool)


def connect(url: str) -> Client:
    """A client that connects on first use. `url`: redis://, rediss:// or unix://."""
    # RESP3 gives streams as dicts; Redis 6.2 to 8 and Valkey all speak RESP2
    client = cast(_Client, _Client.from_url(url, decode_responses=True, protocol=2))
    settings = client.connection_pool.connection_kwargs
    tls = SSLConnection(**settings).ssl_context.get() if url.startswith("rediss:") else None
    client.lead_through(lambda: Channel(settings, tls, SOCKET_TIMEOUT_S))
    return cast(Client, client)


class _BrokerErrors:
    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, AWAY):
            raise BrokerLost(str(error) or type(error).__name__) from error


_BROKER_ERRORS = _BrokerErrors()


def broker_errors() -> AbstractContextManager[None]:
    """Turns the client's many ways to say 'away' into BrokerLost."""
    return _BROKER_ERRORS  # one for all: every command passes here
