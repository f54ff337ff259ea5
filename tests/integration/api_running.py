"""The api service as it runs, inside the test's own loop: real HTTP, real WebSocket, real database, real broker."""

import asyncio
import json
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from pwdlib.hashers.argon2 import Argon2Hasher
from websockets.asyncio.client import ClientConnection, connect

from api.__main__ import main
from api.settings import ApiSettings

PASSWORD = "correct horse"
CHEAP = Argon2Hasher(time_cost=1, memory_cost=8, parallelism=1)


class _Bugs(logging.Handler):
    """Errors that the server logs are bugs of ours, though no client sees them."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.records: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record.getMessage() + str(record.exc_info or ""))


@dataclass
class RunningApi:
    """A running service and a client that can sign in to it."""

    port: int
    client: httpx.AsyncClient

    async def sign_in(self, password: str, username: str = "admin") -> None:
        answer = await self.client.post("/api/v1/session", json={"username": username, "password": password})
        assert answer.status_code == 200, answer.text

    async def get(self, path: str, **params: Any) -> Any:
        answer = await self.client.get(path, params=params)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def websocket(self, *, cookie: str | None = None, token: str | None = None, **options: Any) -> connect:
        cookie = self.client.cookies.get("vqm_session") if cookie is None else cookie
        headers = {"Cookie": f"vqm_session={cookie}"} if cookie else {}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        return connect(f"ws://127.0.0.1:{self.port}/ws", additional_headers=headers, **options)


@asynccontextmanager
async def running_api(
    redis_url: str, data_dir: Path, *, password: str | None = PASSWORD, **settings: Any
) -> AsyncIterator[RunningApi]:
    """Starts the service, signs in, stops it again."""
    chosen = ApiSettings(
        redis_url=redis_url,
        data_dir=data_dir,
        bind="127.0.0.1",
        **{"admin_password": PASSWORD, "web_dir": data_dir / "dist", **settings},
    )
    bugs = _Bugs()
    logging.getLogger("uvicorn.error").addHandler(bugs)
    listener = socket.create_server(("127.0.0.1", 0))
    service = asyncio.ensure_future(main(chosen, listener, CHEAP))
    try:
        async with signed_in(listener.getsockname()[1], password=password) as api:
            yield api
    finally:
        service.cancel()
        await asyncio.wait([service], timeout=10)
        listener.close()
        logging.getLogger("uvicorn.error").removeHandler(bugs)
        if not service.cancelled():
            service.result()
    assert bugs.records == []


@asynccontextmanager
async def signed_in(
    port: int, *, username: str = "admin", password: str | None = PASSWORD
) -> AsyncIterator[RunningApi]:
    """A client of its own for a running service; without a password a stranger."""
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
        api = RunningApi(port, client)
        await client.get("/healthz", timeout=20)  # the socket listens before it is served: this waits for it
        if password is not None:
            await api.sign_in(password, username)
        yield api


async def eventually(condition: Callable[[], Awaitable[Any]], timeout_s: float = 10) -> Any:
    """The first true answer of the condition; fails when none comes in time."""
    async with asyncio.timeout(timeout_s):
        while not (found := await condition()):  # noqa: ASYNC110  # what is waited for happens elsewhere
            await asyncio.sleep(0.02)
        return found


async def message(websocket: ClientConnection, kind: str, timeout_s: float = 10) -> dict[str, Any]:
    """The next message of this type."""
    async with asyncio.timeout(timeout_s):
        while True:
            found: dict[str, Any] = json.loads(await websocket.recv())
            if found["type"] == kind:
                return found
