"""`python -m vqm_local run`: what it says when it cannot start, and that nothing is left when it ends."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.local_children import exists
from tests.ports import free_port
from tests.waiting import wait_until
from vqm_local.preflight import sole_user_of
from vqm_local.settings import REPOSITORY

START_S = 60.0
SECOND_START_S = 15.0  # "seconds", also on a machine that is busy with other tests
STOP_S = 20.0

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]


class Run:
    """The command, with settings of its own."""

    def __init__(self, folder: Path) -> None:
        self.settings = {
            "VQM_DATA_DIR": str(folder),
            "VQM_BIND": "127.0.0.1",
            "VQM_SIP_PORT": str(free_port()),
            "VQM_SIPS_PORT": str(free_port()),
            "VQM_TLS_DIR": str(folder / "certs"),
            "VQM_HTTP_PORT": str(free_port()),
            "VQM_MEDIA_PORTS": "31000-31099",
        }
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> subprocess.Popen[str]:
        foreign = {name: value for name, value in os.environ.items() if not name.startswith("VQM_")}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "vqm_local", "run", "--tied"],
            cwd=REPOSITORY,
            env={**foreign, **self.settings},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        return self._process

    def refused(self) -> str:
        """What it says when it does not start."""
        process = self.start()
        out, err = process.communicate(timeout=START_S)
        assert process.returncode == 1, out + err
        assert "Traceback" not in err
        return err

    def panel(self) -> str:
        """What it prints once all is ready."""
        process = self.start()
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line)
            if "Ctrl-C stops it" in line:
                return "".join(lines)
        assert process.stderr is not None
        raise AssertionError(f"it ended: {''.join(lines)}{process.stderr.read()}")

    def family(self) -> list[int]:
        """The supervisor and everything that it started."""
        assert self._process is not None
        family = [self._process.pid]
        for member in family:
            children = Path(f"/proc/{member}/task/{member}/children").read_text().split()
            family += map(int, children)
        return family

    def end(self, number: signal.Signals) -> int:
        """Sends the signal; returns the exit code."""
        assert self._process is not None
        self._process.send_signal(number)
        self._process.communicate(timeout=STOP_S)
        return self._process.returncode


@pytest.fixture
def run() -> Iterator[Run]:
    # Not pytest's tmp_path: the broker's unix socket is in it, whose path must be short.
    with tempfile.TemporaryDirectory(prefix="vqm-") as folder:
        run = Run(Path(folder))
        yield run
        if run._process is not None and run._process.poll() is None:
            run.end(signal.SIGTERM)


async def all_gone(processes: list[int]) -> None:
    await wait_until(lambda: not any(map(exists, processes)), "the end of all processes", within_s=STOP_S)


def test_a_taken_port_ends_the_start_with_one_sentence(run):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        run.settings["VQM_SIP_PORT"] = port = str(taken.getsockname()[1])

        said = run.refused()

    assert said.startswith(f"UDP port {port} is taken by another program")
    assert said.count("\n") == 1


def test_a_broker_that_was_named_and_does_not_answer_ends_the_start_with_one_sentence(run):
    run.settings["VQM_REDIS_URL"] = "unix:///nowhere/broker.sock"

    said = run.refused()

    assert said.startswith("No broker answers at unix:///nowhere/broker.sock")
    assert said.count("\n") == 1


def test_a_service_that_fails_is_named_with_what_it_said(run):
    run.settings["VQM_REALM"] = "x" * 200

    said = run.refused()

    assert said.startswith("sip-proxy ended with code 2; it said last (")
    assert "VQM_REALM=" in said


async def test_ctrl_c_leaves_nothing_and_the_next_start_takes_seconds(run):
    panel = run.panel()
    family = run.family()

    assert run.end(signal.SIGINT) == 0

    assert "admin / " in panel
    assert len(family) >= 6  # the supervisor, its guardian, the broker, three services
    await all_gone(family)
    began = time.monotonic()
    run.panel()
    assert time.monotonic() - began < SECOND_START_S


def test_two_starts_on_one_data_folder_are_one_too_many(run):
    with sole_user_of(Path(run.settings["VQM_DATA_DIR"])):
        said = run.refused()

    assert f"already runs on {run.settings['VQM_DATA_DIR']} (process {os.getpid()})" in said
    assert said.count("\n") == 1


async def test_a_killed_supervisor_leaves_nothing(run):
    run.panel()
    family = run.family()

    run.end(signal.SIGKILL)

    await all_gone(family)
