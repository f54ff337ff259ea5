"""How to reach Redis or Valkey, and the one error that says it is away."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import AbstractContextManager, contextmanager
from types import TracebackType
from typing import Any, Protocol, cast

from redis.asyncio import Redis, SSLConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
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


# Readers that the server holds back until something comes; they stay with redis-py's pool.
_READERS = frozenset({"XREAD", "XREADGROUP"})


class _Client(Redis):
    """redis-py's commands and its reading of the replies, but led through channels."""

    def lead_through(self, make_channel: Callable[[], Channel]) -> None:
        """Before first use."""
        self._make_channel = make_channel
        self._channel = make_channel()
        self._idle: list[Channel] = []  # of those for waiting: each serves one waiter at a time

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        name: str = args[0]
        if name in _READERS:
            return await super().execute_command(*args, **options)  # type: ignore[no-untyped-call]  # redis-py's
        if name == "BLPOP":
            return await self._wait(args)
        # redis-py names subcommands in one word, the server wants two: `XINFO GROUPS`
        command = (*name.split(), *args[1:]) if " " in name else args
        reply = await self._channel.execute(command)
        options.pop("keys", None)  # redis-py means them for its cache
        read = self.response_callbacks.get(name)
        return reply if read is None else read(reply, **options)

    async def _wait(self, command: Command) -> Any:
        channel = self._idle.pop() if self._idle else self._make_channel()
        try:
            return await channel.execute(command)
        finally:
            self._idle.append(channel)

    def script(self, text: str) -> Script:
        return Script(self._channel, text)

    def batch(self, *, transaction: bool) -> Batch:
        return Batch(self._channel, transaction=transaction)

    async def aclose(self, close_connection_pool: bool | None = None) -> None:
        for channel in (self._channel, *self._idle):
            await channel.close()
        await super().aclose(close_connection_pool)


def connect(url: str) -> Client:
    """A client that connects on first use. `url`: redis://, rediss:// or unix://."""
    client = cast(
        _Client,
        _Client.from_url(
            url,
            decode_responses=True,
            encoding_errors="replace",  # an entry that is not UTF-8 must not stop its readers
            protocol=2,  # RESP3 gives streams as dicts; Redis 6.2 to 8 and Valkey all speak RESP2
            socket_timeout=SOCKET_TIMEOUT_S,
            socket_connect_timeout=SOCKET_TIMEOUT_S,
            health_check_interval=15,
            retry=Retry(NoBackoff(), 1),  # for pooled connections that died; waiting is the callers' decision
        ),
    )
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


@contextmanager
def cancellation_kept() -> Iterator[None]:
    """Makes sure that a task that is cancelled inside redis-py, as readers can be, stays cancelled.

    It waits with `asyncio.wait_for`, which in Python 3.11 swallows a cancellation that comes in the moment when the
    awaited thing is done: a loop around it would then run for ever.
    """
    task = asyncio.current_task()
    before = 0 if task is None else task.cancelling()
    try:
        yield
    finally:
        if task is not None and task.cancelling() > before:
            raise asyncio.CancelledError
