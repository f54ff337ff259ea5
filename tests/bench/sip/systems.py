"""The two systems side by side: our proxy with its broker and a relay worker on paper, and Kamailio with rtpengine."""

import json
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.bench.machine import (
    HOST,
    Cores,
    broker_url,
    cpu_s,
    environment,
    running,
    running_broker,
    wait_for,
)
from tests.ports import free_port

REALM = "bench"
PASSWORD = "bench-secret"
CALLERS = tuple(f"caller{number:04}" for number in range(1000))
CALLEES = tuple(f"callee{number:03}" for number in range(50))
_CONFIGURATION = Path(__file__).with_name("kamailio.cfg")


@dataclass(frozen=True, slots=True)
class System:
    """A SIP server that runs and answers."""

    name: str
    port: int
    server: subprocess.Popen[bytes]
    helpers: str  # who works for it outside of its own process
    helpers_cpu_s: Callable[[], float]
    broker_url: str | None = None

    def cpu_s(self) -> float:
        return cpu_s(self.server)


@contextmanager
def sip_proxy(folder: Path, cores: Cores, **settings: str) -> Iterator[System]:
    """Our proxy as it is deployed, with default settings but for its accounts and what is given."""
    with ExitStack() as stack:
        python, url = sys.executable, broker_url(folder)
        broker = stack.enter_context(running_broker(folder, cores))
        worker_command = [python, "-m", "tests.bench.sip.paper_worker", url]
        worker = stack.enter_context(running(worker_command, folder / "worker.log", cores.others, environment()))
        port = free_port()
        settings_given = environment(
            VQM_REDIS_URL=url,
            VQM_BIND=HOST,
            VQM_SIP_PORT=str(port),
            VQM_REALM=REALM,
            VQM_SIP_ACCOUNTS_FILE=str(_accounts(folder)),
            VQM_SIP_TRANSPORTS="udp",
            VQM_TRUSTED_NETWORKS=f"{HOST}/32",  # the generator is a whole town of devices
            VQM_PROBE_INTERVAL_S="0",  # nor does it answer when it has gone
            **settings,
        )
        server = stack.enter_context(
            running([python, "-m", "sip_proxy"], folder / "sip-proxy.log", cores.server, settings_given)
        )
        _wait_for_answer(port, server)
        yield System("sip-proxy", port, server, "broker", lambda: cpu_s(broker), url)
        if worker.poll() is not None or server.poll() is not None:
            sys.exit(f"a process has ended: see {folder}")


@contextmanager
def kamailio(folder: Path, cores: Cores) -> Iterator[System]:
    """The same job done by Kamailio with one worker, and by rtpengine in userspace."""
    with ExitStack() as stack:
        control, port = free_port(), free_port()
        media = [
            *("rtpengine", f"--interface={HOST}", f"--listen-ng={HOST}:{control}", "--foreground", "--log-stderr"),
            *("--table=-1", "--port-min=20000", "--port-max=29999", "--num-threads=1", "--delete-delay=0"),
            "--log-level=3",
        ]
        engine = stack.enter_context(running(media, folder / "rtpengine.log", cores.others))
        command = [
            *("kamailio", "-DD", "-E", "-f", str(_CONFIGURATION), "-l", f"udp:{HOST}:{port}", "-n", "1", "-m", "256"),
            *("-Y", str(folder), "-P", str(folder / "kamailio.pid")),
            *("-A", f'REALM="{REALM}"', "-A", f'PASSWORD="{PASSWORD}"', "-A", f'RTPENGINE="udp:{HOST}:{control}"'),
        ]
        server = stack.enter_context(running(command, folder / "kamailio.log", cores.server))
        _wait_for_answer(port, server)
        yield System("Kamailio", port, server, "rtpengine", lambda: cpu_s(engine))


def _accounts(folder: Path) -> Path:
    path = folder / "accounts.json"
    path.write_text(json.dumps([{"name": name, "password": PASSWORD} for name in (*CALLERS, *CALLEES)]))
    return path


def _wait_for_answer(port: int, server: subprocess.Popen[bytes]) -> None:
    """Asks with OPTIONS until somebody answers."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((HOST, port))
        probe.settimeout(0.2)
        here = f"{HOST}:{probe.getsockname()[1]}"
        lines = (
            f"OPTIONS sip:{HOST}:{port} SIP/2.0",
            f"Via: SIP/2.0/UDP {here};branch=z9hG4bK-start;rport",
            "Max-Forwards: 70",
            f"From: <sip:bench@{here}>;tag=start",
            f"To: <sip:{HOST}:{port}>",
            f"Call-ID: start@{here}",
            "CSeq: 1 OPTIONS",
            "Content-Length: 0",
        )
        question = "\r\n".join((*lines, "", "")).encode()

        def answers() -> bool:
            try:
                probe.send(question)
                return probe.recv(4096).startswith(b"SIP/2.0 200")
            except (ConnectionRefusedError, TimeoutError):
                return False

        wait_for(answers, str(server.args))
