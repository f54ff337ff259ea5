"""What is checked before anything starts; each problem is one sentence that ends with what to do."""

import errno
import fcntl
import importlib.util
import os
import platform
import random
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shared.settings import PREFIX
from vqm_local.settings import LocalSettings, port_range

MEDIA_PORTS_TRIED = 20


class CannotStart(Exception):
    """The start was refused. The text is for the person who typed the command."""


def check_ports(settings: LocalSettings) -> None:
    """Tries every port that the services will open.

    Raises:
        CannotStart: one is taken or may not be used.
    """
    _try(socket.SOCK_DGRAM, settings.bind, settings.sip_port, "sip_port")
    _try(socket.SOCK_STREAM, settings.bind, settings.sip_port, "sip_port")
    if settings.speaks_tls:
        _try(socket.SOCK_STREAM, settings.bind, settings.sips_port, "sips_port")
    _try(socket.SOCK_STREAM, settings.bind, settings.http_port, "http_port")
    _check_media_ports(settings)


def check_phones() -> None:
    """Raises CannotStart when the phones of the demo cannot run here."""
    if importlib.util.find_spec("pjsua2") is None:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        raise CannotStart(
            f"The phones of the demo (pjsua2) exist for Python 3.11 and 3.12 on x86-64, this is Python {version} on "
            f"{platform.machine()}: use another, VQM_PYTHON=python3.12 make demo; or make run, and call with your own"
        )


@contextmanager
def sole_user_of(data_dir: Path) -> Iterator[None]:
    """Makes the data folder ours alone: two brokers on one file would destroy it.

    Raises:
        CannotStart: it cannot be written, or another start has it.
    """
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(data_dir / "run.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise CannotStart(
            f"The data folder {data_dir} cannot be written ({error.strerror}): choose another: VQM_DATA_DIR=~/vqm-data"
        ) from None
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.pread(lock, 20, 0).decode().strip()
            raise CannotStart(
                f"The monitor already runs on {data_dir} (process {owner}): stop it with Ctrl-C or kill {owner}, "
                "or choose another data folder: VQM_DATA_DIR=~/vqm-data"
            ) from None
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(lock)


def _try(kind: socket.SocketKind, address: str, port: int, setting: str) -> None:
    problem = bind_error(kind, address, port)
    if problem is None:
        return
    name = f"{'UDP' if kind is socket.SOCK_DGRAM else 'TCP'} port {port}"
    variable = PREFIX + setting.upper()
    match problem:
        case errno.EADDRINUSE:
            other = port + 10 if port < 65000 else port - 10
            raise CannotStart(f"{name} is taken by another program: stop that, or choose another: {variable}={other}")
        case errno.EACCES:
            usual = LocalSettings.model_fields[setting].default
            raise CannotStart(f"{name} may be opened by root only: choose one above 1023: {variable}={usual}")
        case errno.EADDRNOTAVAIL:
            raise CannotStart(f"{address} is no address of this machine: VQM_BIND=0.0.0.0 listens on all it has")
        case _:
            raise CannotStart(f"{name} cannot be opened on {address}: {os.strerror(problem)}; see VQM_BIND, {variable}")


def bind_error(kind: socket.SocketKind, address: str, port: int) -> int | None:
    """The errno that opening the port gives, None when it can be opened."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, kind) as probe:
        if kind is socket.SOCK_STREAM:
            # As the web server does: connections that linger from the last run do not count.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            return error.errno
    return None


def _check_media_ports(settings: LocalSettings) -> None:
    """Tries some of the range. A few that are taken are normal, the relay passes over them; most of them are not."""
    ports = port_range(settings.media_ports)
    sample = random.sample(ports, min(MEDIA_PORTS_TRIED, len(ports)))
    taken = [port for port in sample if bind_error(socket.SOCK_DGRAM, settings.bind, port) is not None]
    if len(taken) * 2 > len(sample):
        raise CannotStart(
            f"Most UDP ports of {settings.media_ports} are taken ({', '.join(map(str, sorted(taken)[:3]))} …): "
            "choose another range: VQM_MEDIA_PORTS=30000-39999"
        )
