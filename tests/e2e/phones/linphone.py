"""Linphone without sound card or screen: its command-line daemon, controlled by lines on its standard input."""

import asyncio
import re
import wave
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.e2e.phones.line import Line, RealPhone
from tests.e2e.phones.program import running
from tests.requirements import require_program

UNUSED, ANY_FREE = -2, -1  # how it names ports

# It waits for a network with a way out unless told not to, and for a minute after a registration that failed. Its
# presence is on (PUBLISH, and SUBSCRIBE for the friend): we do not serve it, and that must disturb nothing.
RC = """\
[sip]
sip_port={udp}
sip_tcp_port={tcp}
sip_tls_port={tls}
bind_address={address}
use_ipv6=0
ipv6_migration_done=1
auto_net_state_mon=0
register_only_when_network_is_up=0
refresher_retry_after=1000
root_ca={authority}
verify_server_certs=1
verify_server_cn=1
default_proxy=0
[rtp]
audio_rtp_port={any_free}
bind_address={address}
[proxy_0]
reg_proxy=<{route}>
reg_route=<{route}>
reg_identity=sip:{user}@{host}
reg_expires=300
reg_sendregister=1
publish=1
avpf=0
nat_policy_ref=policy
[nat_policy_0]
ref=policy
protocols={protocols}
[auth_info_0]
username={user}
passwd={password}
realm=vqm
[friend_0]
url=<sip:somebody@{host}>
subscribe=1
[misc]
log_collection=0
"""
TALK_S = 60
SAMPLE_RATE = 8000


class Linphone:
    def __init__(self, line: Line, sound: Path) -> None:
        self._line = line
        self._sound = sound
        self._writer: asyncio.StreamWriter | None = None
        self._state = ""
        self._calls: set[str] = set()
        self._held: set[str] = set()

    @property
    def talking(self) -> bool:
        return bool(self._calls)

    def connect(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer

    async def dial(self, number: str) -> None:
        self._command(f"call sip:{number}@{self._line.host}")

    async def hang_up(self) -> None:
        for call in self._calls:
            self._command(f"terminate {call}")

    async def hold(self) -> None:
        for call in self._calls:
            self._command(f"call-pause {call}")

    async def take_back(self) -> None:
        for call in self._held:
            self._command(f"call-resume {call}")

    def hear(self, line: str) -> None:
        """An event is a state, `Event: LinphoneCallEnd`, and two lines below the number of its call, `Id: 1`."""
        if found := re.match(r"Event: LinphoneCall(\w+)", line):
            self._state = found[1]
        elif found := re.match(r"Id: (\d+)", line):
            self._change(found[1], self._state)
            self._state = ""

    def _change(self, call: str, state: str) -> None:
        if state == "StreamsRunning" and call not in self._calls:
            self._calls.add(call)
            self._held.discard(call)
            self._command(f"incall-player-start {self._sound} {call}")
        elif state == "Paused":
            self._calls.discard(call)
            self._held.add(call)
        elif state in ("End", "Error"):
            self._calls.discard(call)
            self._held.discard(call)

    def _command(self, line: str) -> None:
        assert self._writer is not None
        self._writer.write(f"{line}\n".encode())


@asynccontextmanager
async def linphone(line: Line, folder: Path, *, ice: bool = False) -> AsyncIterator[RealPhone]:
    program = require_program("linphone-daemon", "linphone-cli")
    sound = _some_sound(folder / "sound.wav")
    _configure(folder, line, ice=ice)
    phone = Linphone(line, sound)
    options = ["--config", str(folder / "linphonerc"), "--log", str(folder / "linphone.log")]
    async with running([program, *options, "--disable-stats-events", "--auto-answer"], folder, phone.hear) as writer:
        phone.connect(writer)
        yield phone


def _configure(folder: Path, line: Line, *, ice: bool) -> None:
    ports = {name: ANY_FREE if name == line.transport else UNUSED for name in ("udp", "tcp", "tls")}
    text = RC.format(
        **ports,
        any_free=ANY_FREE,
        address="127.0.0.1",
        host=line.host,
        route=line.route,
        user=line.user,
        password=line.password,
        authority=line.authority,
        protocols="ice" if ice else "",
    )
    (folder / "linphonerc").write_text(text)
    (folder / ".local/share/linphone").mkdir(parents=True, exist_ok=True)


def _some_sound(path: Path) -> Path:
    """A square wave: it has no microphone, so it plays a file to the other side."""
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, SAMPLE_RATE, 0, "NONE", ""))
        file.writeframes((b"\x00\x08" * 10 + b"\x00\xf8" * 10) * (SAMPLE_RATE * TALK_S // 20))
    return path
