"""Lua scripts: what has to be done in one step on the server."""

import hashlib
from collections.abc import Sequence
from typing import Any

from redis.exceptions import NoScriptError

from shared.broker.channel import Channel


class Script:
    """A script that the server is asked to run by its digest, and is told again when it forgot it."""

    def __init__(self, channel: Channel, text: str) -> None:
        self._channel = channel
        self._text = text
        self._digest = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()

    async def __call__(self, *, keys: Sequence[str], args: Sequence[str | float]) -> Any:
        rest = (len(keys), *keys, *args)
        try:
            return await self._channel.execute(("EVALSHA", self._digest, *rest))
        except NoScriptError:
            return await self._channel.execute(("EVAL", self._text, *rest))
