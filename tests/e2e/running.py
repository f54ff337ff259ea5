"""The whole system as `make run` starts it, on ports that were free, with its data in a folder of its own."""

import asyncio
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

import httpx
from websockets.asyncio.client import ClientConnection, connect

from tests.ports import free_port
from tests.requirements import require_program

START_S = 60.0
STOP_S = 20.0
MEDIA_PORTS = 200
PASSWORD = secrets.token_urlsafe(12)


class RunningSystem:
    """Broker, api, rtp-analyzer and sip-proxy under the supervisor."""

    def __init__(self, folder: Path) -> None:
        self.data_dir = folder / "data"
        self.sip = ("127.0.0.1", free_port())
        self.url = f"http://127.0.0.1:{free_port()}"
        self._output = folder / "output.log"
        first = free_port(MEDIA_PORTS)
        self.settings = {
            "VQM_BIND": "127.0.0.1",
            "VQM_PUBLIC_ADDRESS": "127.0.0.1",
            "VQM_SIP_PORT": str(self.sip[1]),
            "VQM_SIPS_PORT": str(free_port()),
            "VQM_TLS_DIR": str(folder / "certs"),
            "VQM_HTTP_PORT": self.url.rpartition(":")[2],
            "VQM_MEDIA_PORTS": f"{first}-{first + MEDIA_PORTS - 1}",
            "VQM_DATA_DIR": str(self.data_dir),
            "VQM_ADMIN_PASSWORD": PASSWORD,
        }
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def server(self) -> str:
        """The SIP server as phones write it."""
        return "{}:{}".format(*self.sip)

    def start(self, command: Literal["run", "demo"] = "run") -> None:
        """Starts everything, as `make run` or `make demo` does, and returns when all of it is ready."""
        foreign = {name: value for name, value in os.environ.items() if not name.startswith("VQM_")}
        with self._output.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "vqm_local", command, "--tied"],
                env={**foreign, **self.settings},
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
            )
        deadline = time.monotonic() + START_S
        while (failing := self._failing()) is not None:
            if self._process.poll() is not None:
                self._process = None
                raise AssertionError(f"the system ended while it started:\n{self.output}")
            assert time.monotonic() < deadline, f"not ready within {START_S:g} s: {failing}\n{self.output}"
            time.sleep(0.05)

    def stop(self) -> None:
        """Ctrl-C. Does nothing when it does not run."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGINT)
        try:
            code = self._process.wait(STOP_S)
        finally:
            self._process.kill()
            self._process.wait()
            self._process = None
        assert code == 0, f"the system stopped with code {code}:\n{self.output}"

    def kill(self, module: str) -> None:
        """Ends a service as a crash does; the supervisor then starts it again."""
        assert self._process is not None
        supervisor = self._process.pid
        children = map(int, Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split())
        [service] = [child for child in children if module in Path(f"/proc/{child}/cmdline").read_text().split("\0")]
        os.kill(service, signal.SIGKILL)

    @property
    def output(self) -> str:
        """What it printed."""
        return self._output.read_text(errors="replace")[-8000:]

    def redis_cli(self, *words: str) -> str:
        """What `redis-cli` prints, as a user types it."""
        program = require_program("redis-cli", "redis-tools", "valkey-cli")
        sockets = list(self.data_dir.rglob("broker.sock"))
        assert len(sockets) == 1, f"one broker socket is expected in {self.data_dir}, not {sockets}"
        command = [program, "-s", str(sockets[0]), *words]
        return subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout

    def events(self, stream: str) -> list[dict[str, Any]]:
        """All events of a Redis stream, by `redis-cli`."""
        lines = self.redis_cli("XRANGE", stream, "-", "+").splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    @asynccontextmanager
    async def rest(self) -> AsyncIterator["Rest"]:
        """The REST interface, signed in."""
        async with httpx.AsyncClient(base_url=self.url, trust_env=False, timeout=10) as client:
            answer = await client.post("/api/v1/session", json={"username": "admin", "password": PASSWORD})
            assert answer.status_code == 200, answer.text
            yield Rest(client)

    def _failing(self) -> str | None:
        """What is not ready yet; None when all is."""
        try:
            answer = httpx.get(f"{self.url}/readyz", trust_env=False, timeout=5)
        except httpx.HTTPError as error:
            return str(error)
        return None if answer.status_code == 200 else answer.text


class Rest:
    """What the tests ask over REST."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client

    async def get(self, path: str, **parameters: Any) -> Any:
        answer = await self.client.get(f"/api/v1/{path}", params=parameters)
        assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()

    async def items(self, path: str, **parameters: Any) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = (await self.get(path, **parameters))["items"]
        return items

    async def call(self, call_id: str) -> dict[str, Any]:
        """A call, with its streams."""
        found: dict[str, Any] = await self.get(f"calls/{quote(call_id, safe='')}")
        return found

    async def ended_call(self, call_id: str) -> dict[str, Any] | None:
        """The call once it is over and its final report has come; None before."""
        call = await self.call(call_id)
        ended = call["state"] == "ended" and call["streams"] and all(s["ended_at"] for s in call["streams"])
        return call if ended else None

    @asynccontextmanager
    async def live_updates(self) -> AsyncIterator["LiveUpdates"]:
        """The WebSocket, from its snapshot on."""
        cookie = "; ".join(f"{cookie.name}={cookie.value}" for cookie in self.client.cookies.jar)
        url = str(self.client.base_url).replace("http", "ws", 1).rstrip("/") + "/ws"
        async with connect(url, additional_headers={"Cookie": cookie}, proxy=None) as socket:
            yield LiveUpdates(socket)


class LiveUpdates:
    """What the WebSocket pushes."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket

    async def call(
        self, call_id: str, condition: Callable[[dict[str, Any]], bool], within_s: float = 10.0
    ) -> dict[str, Any]:
        """The first pushed state of the call that meets the condition."""
        async with asyncio.timeout(within_s):
            async for text in self._socket:
                for call in json.loads(text).get("calls", ()):
                    if call["call_id"] == call_id and condition(call):
                        return dict(call)
        raise AssertionError("the WebSocket was closed")


@contextmanager
def prepared_system() -> Iterator[RunningSystem]:
    """The system, not yet started; stopped and its data removed in the end."""
    folder = Path(tempfile.mkdtemp(prefix="vqm-"))  # short: the broker's unix socket is in it
    system = RunningSystem(folder)
    try:
        yield system
    finally:
        try:
            system.stop()
        finally:
            shutil.rmtree(folder, ignore_errors=True)
