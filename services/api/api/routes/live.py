"""The WebSocket: a snapshot, then what changes."""

import asyncio
from contextlib import suppress

from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from api.door import COOKIE
from api.feed import Subscriber
from api.parts import Parts, PartsOf

SIGN_IN_FIRST = 4401
SEND_TIMEOUT_S = 60.0  # longer than the server's own keep-alive, which ends a dead connection
RECHECK_S = 15.0

router = APIRouter()


@router.websocket("/ws")
async def live(websocket: WebSocket, parts: PartsOf) -> None:
    """Pushes until the client goes, the session ends or the server stops."""
    await websocket.accept()  # a refused handshake would hide the reason from the page
    if not await _is_signed_in(websocket, parts):
        await websocket.close(SIGN_IN_FIRST, "sign in first")
        return
    with parts.feed.subscribe() as subscriber:
        async with asyncio.TaskGroup() as tasks:
            pushing = tasks.create_task(_push(websocket, subscriber, parts))
            # A read must be pending all the time: it is how a handler learns that the client or the server goes.
            while (await websocket.receive())["type"] != "websocket.disconnect":
                pass  # clients have nothing to say
            pushing.cancel()


async def _push(websocket: WebSocket, subscriber: Subscriber, parts: Parts) -> None:
    checked_at = parts.now()
    with suppress(WebSocketDisconnect):
        while True:
            message = await subscriber.next()
            if parts.now() - checked_at >= RECHECK_S:
                checked_at = parts.now()
                if not await _is_signed_in(websocket, parts):
                    await websocket.close(SIGN_IN_FIRST, "the session has ended")
                    return
            async with asyncio.timeout(SEND_TIMEOUT_S):
                await websocket.send_text(message)


async def _is_signed_in(websocket: WebSocket, parts: Parts) -> bool:
    token = websocket.cookies.get(COOKIE)
    return token is not None and await parts.auth.user_of(token) is not None
