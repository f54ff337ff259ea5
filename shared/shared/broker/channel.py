"""One connection to Redis that many callers share: commands of one turn of the event loop leave in one write, and
their replies come back in order. A client with a pool pays for checkout, locks and timers with every command."""

import asyncio
import ssl
from collections import deque
from collections.abc import Sequence
from typing import Any, cast

import hiredis
from redis.exceptions import (
    BusyLoadingError,
    ConnectionError,
    NoScriptError,
    ReadOnlyError,
    RedisError,
    ResponseError,
    TimeoutError,
)

Command = Sequence[str | bytes | int | float]

_ERRORS: dict[str, type[RedisError]] = {
    "LOADING": BusyLoadingError,
    "READONLY": ReadOnlyError,
    "NOSCRIPT": NoScriptError,
}


class Channel:
    """Connects when first used, and again after a loss. Errors are those of redis-py."""

    def __init__(self, settings: dict[str, Any], tls: ssl.SSLContext | None, timeout_s: float) -> None:
        """`settings`: host, port or path; username, password, db. A server silent for `timeout_s` is gone."""
        self._settings = settings
        self._tls = tls
        self._timeout_s = timeout_s
        self._connecting = asyncio.Lock()
        self._link: _Link | None = None
        self._closed = False

    async def execute(self, command: Command) -> Any:
        """The reply to one command.

        Raises:
            RedisError: the server refuses it, is away, or went away; then it may have been done.
        """
        [reply] = await self.execute_all([command])
        if isinstance(reply, RedisError):
            raise reply
        return reply

    async def execute_all(self, commands: Sequence[Command]) -> list[Any]:
        """The replies to commands that travel side by side; a refusal is returned in its place.

        Raises:
            RedisError: the server is away, or went away; then some of them may have been done.
        """
        link = self._link
        if link is not None and not link.lost:
            try:
                return await link.ask(commands)
            except ConnectionError:
                pass  # it may have died long ago, which shows only now: once more, on a new one
        link = await self._connect()
        return await link.ask(commands)

    async def drop(self) -> None:
        """Gives the connection up; the next command makes a new one."""
        if self._link is not None:
            await self._link.close()

    async def close(self) -> None:
        """For good: whoever still waits is told that the server is away."""
        self._closed = True
        await self.drop()

    async def _connect(self) -> "_Link":
        async with self._connecting:
            if self._closed:
                raise ConnectionError("the client is closed")
            if self._link is None or self._link.lost:
                try:
                    async with asyncio.timeout(self._timeout_s):
                        self._link = await self._open()
                except OSError as error:  # also asyncio's TimeoutError
                    raise ConnectionError(str(error) or "connecting took too long") from error
            return self._link

    async def _open(self) -> "_Link":
        loop, given = asyncio.get_running_loop(), self._settings

        def make() -> _Link:
            return _Link(loop, self._timeout_s)

        if "path" in given:
            _, link = await loop.create_unix_connection(make, given["path"])
        else:
            host, port = given.get("host", "localhost"), given.get("port", 6379)
            _, link = await loop.create_connection(make, host, port, ssl=self._tls)
        for reply in await link.ask(_greeting(given)):
            if isinstance(reply, RedisError):
                await link.close()
                raise reply
        return link


class _Link(asyncio.Protocol):
    """One established connection."""

    def __init__(self, loop: asyncio.AbstractEventLoop, timeout_s: float) -> None:
        self.lost = False
        self._loop = loop
        self._timeout_s = timeout_s
        self._reader = hiredis.Reader(
            encoding="utf-8", errors="replace", replyError=_refusal
        )  # whoever wrote it: it can be read
        self._transport: asyncio.Transport | None = None
        self._waiting: deque[_Question] = deque()
        self._outgoing: list[bytes] = []
        self._watch: asyncio.TimerHandle | None = None
        self._moved_at = 0.0  # when the server last showed that it lives
        self._closed = loop.create_future()

    async def ask(self, commands: Sequence[Command]) -> list[Any]:
        """Queues the commands next to each other, and waits for all replies."""
        if self.lost:
            raise ConnectionError("the connection is closed")
        if not commands:
            return []
        packed = [
            hiredis.pack_command(cast(Any, tuple(command))) for command in commands
        ]  # its own types know one item
        if not self._outgoing:
            self._loop.call_soon(self._write)
        self._outgoing += packed
        if not self._waiting:
            self._moved_at = self._loop.time()
            self._watch = self._watch or self._loop.call_later(self._timeout_s, self._check)
        question = _Question(len(packed), self._loop.create_future())
        self._waiting.append(question)
        return await question.answered

    async def close(self) -> None:
        if self._transport is not None:
            self._transport.close()
            await self._closed

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._moved_at = self._loop.time()
        self._reader.feed(data)
        while self._waiting:
            reply = self._reader.gets()
            if reply is False:  # hiredis: not complete yet; no reply in RESP2 is False
                return
            question = self._waiting[0]
            question.replies.append(reply)
            if len(question.replies) == question.expected:
                self._waiting.popleft()
                if not question.answered.done():  # who asked may have been cancelled
                    question.answered.set_result(question.replies)

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(ConnectionError(str(exc) if exc else "the server closed the connection"))
        self._closed.set_result(None)

    def _write(self) -> None:
        if self._transport is not None and not self.lost:
            self._transport.write(b"".join(self._outgoing))
        self._outgoing.clear()

    def _check(self) -> None:
        """One timer for all that wait: the server has to answer something to the oldest of them in time."""
        self._watch = None
        if not self._waiting:
            return
        left_s = self._moved_at + self._timeout_s - self._loop.time()
        if left_s > 0:
            self._watch = self._loop.call_later(left_s, self._check)
            return
        self._end(TimeoutError("the server does not answer"))
        if self._transport is not None:
            self._transport.abort()

    def _end(self, error: RedisError) -> None:
        self.lost = True
        if self._watch is not None:
            self._watch.cancel()
        while self._waiting:
            answered = self._waiting.popleft().answered
            if not answered.done():
                answered.set_exception(error)


class _Question:
    """Commands that were sent together, and their replies so far."""

    __slots__ = ("answered", "expected", "replies")

    def __init__(self, expected: int, answered: "asyncio.Future[list[Any]]") -> None:
        self.expected = expected
        self.answered = answered
        self.replies: list[Any] = []


def _greeting(settings: dict[str, Any]) -> list[Command]:
    commands: list[Command] = []
    if settings.get("password"):
        user = [settings["username"]] if settings.get("username") else []
        commands.append(["AUTH", *user, settings["password"]])
    if settings.get("db"):
        commands.append(["SELECT", settings["db"]])
    return commands


def _refusal(text: str) -> RedisError:
    return _ERRORS.get(text.partition(" ")[0], ResponseError)(text)
