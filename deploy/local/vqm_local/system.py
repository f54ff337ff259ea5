"""The whole system on this machine: the broker and the services, up together and down together."""

import asyncio
import ipaddress
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

import httpx
from pydantic import SecretStr

from shared.settings import PREFIX
from vqm_local import broker
from vqm_local.settings import REPOSITORY, LocalSettings
from vqm_local.supervisor import Program, ProgramEnded, Say, Supervisor

READY_S = 60.0
BROKER_READY_S = 30.0  # it may have much to load
NAMED_BROKER_READY_S = 5.0  # one that others run is there, or was forgotten

# In this order they start, the phones' way in last; in the reverse order they stop, so that each can still tell
# the next one how things ended.
SERVICES = {
    "api": "api",
    "capture-worker": "rtp_analyzer.capture_worker",
    "rtp-analyzer": "rtp_analyzer",
    "sip-proxy": "sip_proxy",
}


class StartFailed(Exception):
    """Something did not come up. The text says what and what it said last."""


class System:
    """Broker and services. `async with System(settings, say) as system:` or start() and stop()."""

    def __init__(self, settings: LocalSettings, say: Say) -> None:
        self.settings = settings
        self.data_dir = settings.data_dir.expanduser().resolve()
        self.log_dir = self.data_dir / "logs"
        self.redis_url = settings.redis_url
        self._supervisor = Supervisor(self.log_dir, say)

    @property
    def url(self) -> str:
        """Where the dashboard and the REST interface can be reached from this machine."""
        bind = ipaddress.ip_address(self.settings.bind)
        host = "127.0.0.1" if bind.is_unspecified else f"[{bind}]" if bind.version == 6 else str(bind)
        return f"http://{host}:{self.settings.http_port}"

    async def start(self) -> None:
        """Starts everything; returns when all of it is ready, else stops what was started.

        Raises:
            NoBroker, StartFailed: the text is for the person who typed the command.
        """
        try:
            await self._start_broker()
            for name, module in SERVICES.items():
                command = (sys.executable, "-m", module)
                await self._supervisor.start(Program(name, command, self._environment()))
            await self._wait_until_ready()
        except ProgramEnded as error:
            await self.stop()
            raise StartFailed(str(error)) from None
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Ends everything in order, within seconds."""
        await self._supervisor.stop()

    def kill(self) -> None:
        """Ends everything at once; a stop() that is under way then returns."""
        self._supervisor.kill()

    async def __aenter__(self) -> "System":
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def _start_broker(self) -> None:
        if not self.settings.own_broker:
            await broker.wait_until_ready(self.redis_url, NAMED_BROKER_READY_S)
            return
        folder = self.data_dir / "broker"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        socket_path = broker.socket_path(self.data_dir)
        socket_path.unlink(missing_ok=True)
        self.redis_url = f"unix://{socket_path}"
        command = broker.server_command(broker.find_server(), folder, socket_path)
        await self._supervisor.start(Program("broker", command, os.environ))
        waiting = asyncio.create_task(broker.wait_until_ready(self.redis_url, BROKER_READY_S))
        try:
            while not waiting.done():
                self._supervisor.check()
                await asyncio.wait([waiting], timeout=0.1)
            await waiting
        finally:
            waiting.cancel()

    def _environment(self) -> Mapping[str, str]:
        """What the services inherit: ours, and over it the settings as they were given to us."""
        settings = self.settings.model_copy(update={"data_dir": self.data_dir, "redis_url": self.redis_url})
        values = ((name, getattr(settings, name)) for name in LocalSettings.model_fields)
        return {
            "VQM_WEB_DIR": str(REPOSITORY / "services" / "web" / "dist"),
            **os.environ,
            **{PREFIX + name.upper(): _as_text(value) for name, value in values if value is not None},
            "PYTHONUNBUFFERED": "1",
        }

    async def _wait_until_ready(self) -> None:
        failing: Mapping[str, str] = {}
        try:
            async with asyncio.timeout(READY_S), httpx.AsyncClient(base_url=self.url, trust_env=False) as client:
                while True:
                    self._supervisor.check()
                    failing = await _failing(client)
                    if not failing:
                        return
                    await asyncio.sleep(0.1)
        except TimeoutError:
            raise StartFailed(self._blame(failing)) from None

    def _blame(self, failing: Mapping[str, str]) -> str:
        reasons = ", ".join(f"{name}: {reason}" for name, reason in failing.items())
        details = "".join(f"\n  {name}{self._supervisor.last_lines(name)}" for name in failing if name in SERVICES)
        return f"Not everything was ready within {READY_S:g} s ({reasons}){details}"


async def _failing(client: httpx.AsyncClient) -> Mapping[str, str]:
    """What is not ready, with the reason; empty when all is."""
    try:
        reply = await client.get("/readyz", timeout=5.0)
    except httpx.HTTPError:
        return {"api": "does not answer"}
    if reply.status_code == httpx.codes.OK:
        return {}
    try:
        return dict(reply.json()["failing"])
    except (ValueError, KeyError, TypeError):
        return {"api": f"answers {reply.status_code}"}


def first_password(data_dir: Path) -> str | None:
    """The password that the api made up for `admin`; None once somebody signed in with it."""
    try:
        return (data_dir / "first-admin-password").read_text().strip() or None
    except OSError:
        return None


def _as_text(value: object) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)
