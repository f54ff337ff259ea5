"""docker-compose.yml, built and run for real: everything ready behind nginx, a phone answered, nobody root."""

import asyncio
import json
import os
import shutil
import socket
import subprocess
import uuid
from collections.abc import Iterator
from functools import partial

import httpx
import pytest
from websockets.asyncio.client import connect

from tests.ports import free_port
from tests.requirements import lacking
from tests.waiting import wait_until
from vqm_local.settings import REPOSITORY

BUILD_S = 480
READY_S = 120

pytestmark = [pytest.mark.integration, pytest.mark.timeout(BUILD_S + READY_S + 120)]

REGISTER = (
    "REGISTER sip:127.0.0.1 SIP/2.0\r\n"
    "Via: SIP/2.0/UDP 127.0.0.1:{port};rport;branch=z9hG4bK{unique}\r\n"
    "Max-Forwards: 70\r\n"
    "From: <sip:gateway-test@127.0.0.1>;tag=1\r\n"
    "To: <sip:gateway-test@127.0.0.1>\r\n"
    "Call-ID: {unique}\r\n"
    "CSeq: 1 REGISTER\r\n"
    "Contact: <sip:gateway-test@127.0.0.1:{port}>\r\n"
    "Content-Length: 0\r\n\r\n"
)
PASSWORD = "a password for this test"


class Project:
    """One run of docker-compose.yml under a name and on ports of its own."""

    def __init__(self, command: list[str]) -> None:
        self.http_port, self.sip_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.http_port}"
        self._command = command
        self._environment = {
            **os.environ,
            "COMPOSE_PROJECT_NAME": f"vqm{uuid.uuid4().hex[:8]}",
            "VQM_HTTP_PORT": str(self.http_port),
            "VQM_SIP_PORT": str(self.sip_port),
            "VQM_BIND": "127.0.0.1",
            "VQM_MEDIA_PORTS": "40000-40099",
            "VQM_ADMIN_PASSWORD": PASSWORD,
        }

    def __call__(self, *arguments: str, timeout_s: float = 60) -> str:
        done = subprocess.run(
            [*self._command, *arguments],
            cwd=REPOSITORY,
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout_s,
        )
        assert done.returncode == 0, done.stdout[-3000:]
        return done.stdout


def compose_command() -> list[str]:
    if os.environ.get("VQM_TEST_COMPOSE") != "1":
        pytest.skip("builds images, which takes minutes: VQM_TEST_COMPOSE=1 runs it")
    if not shutil.which("docker") or subprocess.run(["docker", "info"], capture_output=True).returncode != 0:
        lacking("needs a Docker engine that answers: sudo apt install docker.io docker-compose")
    if subprocess.run(["docker", "compose", "version"], capture_output=True).returncode == 0:
        return ["docker", "compose"]
    return ["docker-compose"]


@pytest.fixture(scope="module")
def project() -> Iterator[Project]:
    project = Project(compose_command())
    try:
        project("up", "--detach", "--build", timeout_s=BUILD_S)
        asyncio.run(wait_until(partial(ready, project.url), "readiness behind nginx", within_s=READY_S))
        yield project
    finally:
        print(project("logs", "--tail", "20"))  # pytest shows it when a test fails
        project("down", "--volumes")


async def ready(url: str) -> set[str]:
    async with httpx.AsyncClient(base_url=url) as client:
        reply = await client.get("/readyz")
        assert reply.status_code == 200, reply.text
        return set(reply.json()["ok"])


async def test_everything_is_ready_behind_nginx(project):
    assert await ready(project.url) == {"broker", "database", "sip-proxy", "rtp-analyzer"}


async def test_the_dashboard_comes_with_the_headers_of_the_api(project):
    async with httpx.AsyncClient(base_url=project.url) as client:
        page, answer = await client.get("/"), await client.get("/healthz")

    assert "<title>" in page.text
    wanted = answer.headers.get("content-security-policy")
    assert wanted is not None
    assert page.headers["content-security-policy"] == wanted


async def test_the_live_view_gets_through(project):
    async with httpx.AsyncClient(base_url=project.url, headers={"Origin": project.url}) as client:
        signed_in = await client.post("/api/v1/session", json={"username": "admin", "password": PASSWORD})
        assert signed_in.status_code == 200, signed_in.text
        cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())

    url = project.url.replace("http:", "ws:") + "/ws"
    async with connect(url, origin=project.url, additional_headers={"Cookie": cookie}) as live:
        async with asyncio.timeout(10):
            first = json.loads(await live.recv())

    assert first["type"] == "snapshot"


async def test_a_phone_is_asked_for_its_password(project):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as phone:
        phone.bind(("127.0.0.1", 0))
        phone.settimeout(10)
        request = REGISTER.format(port=phone.getsockname()[1], unique=uuid.uuid4().hex)
        phone.sendto(request.encode(), ("127.0.0.1", project.sip_port))

        reply = phone.recv(65535).decode()

    assert reply.startswith("SIP/2.0 401 ")
    assert "\r\nWWW-Authenticate: Digest " in reply


@pytest.mark.parametrize("service", ["api", "rtp-analyzer", "sip-proxy", "web"])
async def test_nobody_is_root(project, service):
    assert project("exec", "-T", service, "id", "-u").strip() not in ("0", "")
