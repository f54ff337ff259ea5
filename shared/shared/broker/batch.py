"""Commands that travel together."""

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from redis.exceptions import RedisError

from shared.broker.channel import Channel, Command


class Batch:
    """Collects commands and sends them in one go; in a transaction all of them are done, or none."""

    def __init__(self, channel: Channel, *, transaction: bool) -> None:
        self._channel = channel
        self._transaction = transaction
        self._commands: list[Command] = []

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._commands = []

    def xadd(self, name: str, fields: Mapping[str, str]) -> None:
        command = ["XADD", name, "*"]
        for item in fields.items():
            command += item
        self._commands.append(command)

    def xack(self, name: str, groupname: str, *ids: str) -> None:
        self._commands.append(("XACK", name, groupname, *ids))

    def hset(self, name: str, key: str, value: str) -> None:
        self._commands.append(("HSET", name, key, value))

    def hdel(self, name: str, *keys: str) -> None:
        self._commands.append(("HDEL", name, *keys))

    def delete(self, *names: str) -> None:
        self._commands.append(("DEL", *names))

    def sadd(self, name: str, *values: int) -> None:
        self._commands.append(("SADD", name, *values))

    def srem(self, name: str, *values: int) -> None:
        self._commands.append(("SREM", name, *values))

    def zrem(self, name: str, *values: int) -> None:
        self._commands.append(("ZREM", name, *values))

    def rpush(self, name: str, *values: str) -> None:
        self._commands.append(("RPUSH", name, *values))

    def pexpire(self, name: str, time: int) -> None:
        self._commands.append(("PEXPIRE", name, time))

    async def execute(self) -> list[Any]:
        """The replies.

        Raises:
            RedisError: one of the commands was refused, or the server is away.
        """
        commands, self._commands = self._commands, []
        if not commands:
            return []
        wrapped = [("MULTI",), *commands, ("EXEC",)] if self._transaction else commands
        replies = await self._channel.execute_all(wrapped)
        if self._transaction and not any(isinstance(reply, RedisError) for reply in replies):
            replies = replies[-1]
        for reply in replies:
            if isinstance(reply, RedisError):
                raise reply
        return replies
