"""baresip without sound card, screen or keyboard, controlled by JSON over TCP (its module ctrl_tcp)."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.e2e.phones.line import Line, RealPhone
from tests.e2e.phones.program import running
from tests.requirements import require_program
from tests.waiting import wait_until

# The sine needs 48 kHz and two channels. The bridge swallows what is heard.
CONFIG = """\
sip_listen {host}:0
sip_cafile {authority}
net_interface {host}
audio_source ausine,440
audio_player aubridge,nobody
audio_alert aubridge,nobody
ausrc_srate 48000
ausrc_channels 2
module_path {modules}
module g711.so
module ausine.so
module aubridge.so
module_tmp uuid.so
module_tmp account.so
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen {host}:{control_port}
"""
# sipnat=outbound is RFC 5626: an instance, a reg-id and keep-alives
ACCOUNT = (
    '<sip:{user}@{host}>;auth_user={user};auth_pass={password};outbound="{route}";sipnat=outbound;regint=300;'
    "answermode=auto;audio_codecs=pcma\n"
)


class Baresip:
    def __init__(self, line: Line, writer: asyncio.StreamWriter) -> None:
        self._line = line
        self._writer = writer
        self._calls: set[str] = set()

    @property
    def talking(self) -> bool:
        return bool(self._calls)

    async def dial(self, number: str) -> None:
        self._command("dial", f"sip:{number}@{self._line.host}")

    async def hang_up(self) -> None:
        self._command("hangup")

    async def follow(self, reader: asyncio.StreamReader) -> None:
        """Reads its events, netstrings of JSON, until it ends."""
        try:
            while True:
                length = int((await reader.readuntil(b":"))[:-1])
                self._take(json.loads(await reader.readexactly(length)))
                await reader.readexactly(len(","))
        except asyncio.IncompleteReadError:
            return

    def _take(self, message: dict[str, Any]) -> None:
        match message.get("type"):
            case "CALL_ESTABLISHED":
                self._calls.add(message["id"])
            case "CALL_CLOSED":
                self._calls.discard(message["id"])

    def _command(self, name: str, parameters: str = "") -> None:
        octets = json.dumps({"command": name, "params": parameters}).encode()
        self._writer.write(b"%d:%s," % (len(octets), octets))


@asynccontextmanager
async def baresip(line: Line, folder: Path) -> AsyncIterator[RealPhone]:
    program = require_program("baresip", "baresip-core")
    control_port = _configure(folder, line, program)
    async with running([program, "-4", "-s", "-f", str(folder)], folder):
        reader, writer = await wait_until(lambda: _connected(line.host, control_port), "baresip listens")
        phone = Baresip(line, writer)
        following = asyncio.create_task(phone.follow(reader))
        try:
            yield phone
        finally:
            following.cancel()
            writer.close()


def _configure(folder: Path, line: Line, program: str) -> int:
    """Writes its files. Returns the port on which it will take commands."""
    modules = Path(program).resolve().parents[1] / "lib/baresip/modules"
    with socket.socket() as probe:
        probe.bind((line.host, 0))
        control_port: int = probe.getsockname()[1]
    config = CONFIG.format(host=line.host, authority=line.authority, control_port=control_port, modules=modules)
    account = ACCOUNT.format(user=line.user, password=line.password, host=line.host, route=line.route)
    (folder / "config").write_text(config)
    (folder / "accounts").write_text(account)
    (folder / "contacts").touch()
    return control_port


async def _connected(host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
    try:
        return await asyncio.open_connection(host, port)
    except ConnectionRefusedError:
        return None
