"""A PostgreSQL of one's own: a private data directory, a unix socket and no TCP port, as a user that is not root."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.requirements import require_program

START_S = 60
SUPERUSER = "vqm"


class PostgresServer:
    """A running server; each database in it is new."""

    def __init__(self, folder: Path, psql: str) -> None:
        self._folder = folder
        self._psql = psql
        self._made = 0

    def new_database(self) -> str:
        """The URL of an empty database, as `VQM_DATABASE_URL`."""
        self._made += 1
        name = f"test_{self._made}"
        self.execute(f"CREATE DATABASE {name}")
        return f"postgresql://{SUPERUSER}@/{name}?host={self._folder}"

    def execute(self, sql: str) -> None:
        """Runs one statement in the database `postgres`."""
        command = [self._psql, "-qX", "-v", "ON_ERROR_STOP=1", "-h", str(self._folder), "-U", SUPERUSER]
        subprocess.run([*command, "-d", "postgres", "-c", sql], check=True, timeout=START_S)


@contextmanager
def postgres_server(*settings: str) -> Iterator[PostgresServer]:
    """Starts a server with `name=value` settings; the test is skipped where PostgreSQL is not installed."""
    binaries = _binaries()
    # Not pytest's tmp_path: a unix socket's path may have 107 characters at most.
    folder = Path(tempfile.mkdtemp(prefix="vqm-pg-"))
    user = "nobody" if os.geteuid() == 0 else None  # the server refuses to run as root
    if user is not None:
        shutil.chown(folder, user)
    data = folder / "data"
    try:
        _run([f"{binaries}/initdb", "-D", str(data), "-U", SUPERUSER, "-A", "trust", "-E", "UTF8", "--locale=C"], user)
        options = " ".join(
            f"-c {each}" for each in ("listen_addresses=", f"unix_socket_directories={folder}", *settings)
        )
        control = [f"{binaries}/pg_ctl", "-D", str(data), "-l", str(folder / "log"), "-w", "-t", str(START_S)]
        _run([*control, "-o", options, "start"], user)
        try:
            yield PostgresServer(folder, f"{binaries}/psql")
        finally:
            _run([*control, "-m", "immediate", "stop"], user)
    finally:
        shutil.rmtree(folder)


def _binaries() -> Path:
    """Debian keeps the server's programs beside the PATH, a folder for each version."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[4]))
    return (found[-1] if found else Path(require_program("initdb", "postgresql"))).parent


def _run(command: Sequence[str], user: str | None) -> None:
    subprocess.run(
        command,
        check=True,
        user=user,
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        timeout=2 * START_S,
    )
