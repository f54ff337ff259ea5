"""The WebSocket: a snapshot, then what changes."""

import asyncio
from contextlib import suppress

from fastapi import APIRouter, WebSocket, WebSocketDisconnect
from starlette.exceptions import HTTPException

from api.door import demand, identify
from api.feed import Subscriber
from api.parts import Parts, PartsOf

CLOSE_CODES = {401: 4401, 403: 4403}
SEND_TIMEOUT_S = 60.0  # longer than the server's own keep-alive, which ends a dead connection
RECHECK_S = 15.0

router = APIRouter()


@router.websocket("/ws")
async def live(websocket: WebSocket, parts: PartsOf) -> None:
    """Pushes until the client goes, the session ends or the server stops."""
    await websocket.accept()  # a refused handshake would hide the reason from the page
    if not await _admitted(websocket, parts):
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
                if not await _admitted(websocket, parts):
                    return
            async with asyncio.timeout(SEND_TIMEOUT_S):
                await websocket.send_text(message)


async def _admitted(websocket: WebSocket, parts: Parts) -> bool:
    """Whether this is still somebody who may see it; else the connection is closed, with the reason."""
    try:
        demand(await identify(websocket, parts), "read")
    except HTTPException as refused:
        await websocket.close(CLOSE_CODES[refused.status_code], refused.detail)
        return False
    return True
