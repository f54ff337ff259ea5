"""A phone as asyncio code sees it: starts the phone's process, sends it commands, follows its events."""

import asyncio
import importlib.util
import itertools
import json
import signal
import sys
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO

from shared.events.base import Transport
from vqm_local.phone.calls import CallState, Registration, after
from vqm_local.phone.hearing import Heard, listen, recorded

START_S = 20.0  # importing numpy and pjsua2 on a busy machine
REPLY_S = 5.0
QUIT_S = 5.0  # pjsua2 takes one second to end
NO_PJSUA2 = (
    "The test phone needs pjsua2, and PyPI has no wheel of pjsua2-python for Python {}.{}."
    " Use Python 3.11 or 3.12 for test calls; everything else works without."
)
KILLED_BY_ALARM = -signal.SIGALRM  # see HANG_S in __main__


class PhoneError(Exception):
    """A phone could not do what it was asked, and says why."""


class PhoneDied(PhoneError):
    """The phone's process crashed or hung."""


class PhoneCall:
    """One call of a phone."""

    def __init__(self, phone: "Phone", number: int, call_id: str) -> None:
        self._phone = phone
        self._number = number
        self.now = CallState(call_id)

    @property
    def call_id(self) -> str:
        return self.now.call_id

    async def answered(self, timeout_s: float = 10.0) -> None:
        """Waits for the answer.

        Raises:
            PhoneError: the call was refused.
        """
        await self._phone.until(lambda: self.now.answered or self.now.ended, timeout_s, "the answer")
        if not self.now.answered:
            raise PhoneError(f"the call was refused: {self.now.code} {self.now.reason}")

    async def heard_something(self, timeout_s: float = 10.0) -> None:
        """Waits for the sound path."""
        await self._phone.until(lambda: self.now.recording is not None, timeout_s, "the sound of the call")

    async def ended(self, timeout_s: float = 10.0) -> None:
        await self._phone.until(lambda: self.now.ended, timeout_s, "the end of the call")

    async def answer(self, code: int = 200) -> None:
        """Answers an incoming call (or rings, with 180)."""
        await self._phone.command("answer", call=self._number, code=code)

    async def hangup(self, code: int = 0, timeout_s: float = 10.0) -> None:
        """Ends the call (or refuses it, with a code), and waits until it is over."""
        if not self.now.ended:
            await self._phone.command("hangup", call=self._number, code=code)
            await self.ended(timeout_s)

    async def dial(self, digits: str) -> None:
        """Sends DTMF digits (RFC 4733)."""
        await self._phone.command("dial", call=self._number, digits=digits)

    async def counts(self) -> Mapping[str, int]:
        """The RTP packets the phone itself counted so far: `sent`, `received`, `lost`, `last_sequence`."""
        return MappingProxyType(await self._phone.command("counts", call=self._number))

    def heard(self, seconds: float = 1.0) -> Heard:
        """The last `seconds` that came in. It lags a quarter of a second behind: that is how the recorder writes."""
        if self.now.recording is None or not self.now.recording.exists():
            return listen(recorded(Path("/dev/null"), 0))
        return listen(recorded(self.now.recording, seconds))


class Phone:
    """A running phone. Make one with `phone_in`."""

    def __init__(self, process: asyncio.subprocess.Process, directory: Path, address: str) -> None:
        self.address = address
        self.sip_port = 0
        self.registration: Registration | None = None
        self.incoming: deque[PhoneCall] = deque(maxlen=16)
        self._process = process
        self._directory = directory
        self._calls: dict[int, PhoneCall] = {}
        self._replies: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._numbers = itertools.count(1)
        self._changed = asyncio.Event()
        self._died: PhoneDied | None = None

    @property
    def process_id(self) -> int:
        return self._process.pid

    async def account(
        self,
        server: str,
        user: str,
        password: str,
        *,
        register: bool = True,
        expires_s: int = 300,
        via: str | None = None,
        transport: Transport = "udp",
        authority: Path | None = None,
        timeout_s: float = 10.0,
    ) -> None:
        """Becomes `user` at `server` (`address:port`), and registers there unless told not to. `via`: the SIP address
        of the line that leads there (UDP). `authority`, needed for TLS: whose certificate must vouch for the server's.

        Raises:
            PhoneError: the registrar refused.
        """
        self.registration = None
        await self.command(
            "account",
            server=server,
            user=user,
            password=password,
            register=register,
            expires_s=expires_s,
            via=via,
            transport=transport,
            authority=authority and str(authority),
        )
        if register:
            await self.until(lambda: self.registration is not None, timeout_s, "the answer to REGISTER")
            answer = self.registration
            if answer is None or answer.code != 200:
                raise PhoneError(f"the registration was refused: {answer and answer.code} {answer and answer.reason}")

    async def unregister(self, timeout_s: float = 10.0) -> None:
        self.registration = None
        await self.command("unregister")
        await self.until(lambda: self.registration is not None, timeout_s, "the answer to REGISTER")

    async def call(self, uri: str) -> PhoneCall:
        """Starts a call and returns at once."""
        made = await self.command("call", uri=uri)
        return self._remember(made["call"], made["call_id"])

    async def ringing(self, timeout_s: float | None = 10.0) -> PhoneCall:
        """Waits for the next incoming call."""
        await self.until(lambda: bool(self.incoming), timeout_s, "an incoming call")
        return self.incoming.popleft()

    async def answer_all(self) -> None:
        """From now on rings and answers at once whenever somebody calls."""
        await self.command("answer_all")

    async def play(self, frequency_hz: float, level_dbov: float = -20.0) -> None:
        """Says this tone in all calls, from now on."""
        await self.command("play", frequency_hz=frequency_hz, level_dbov=level_dbov)

    async def command(self, name: str, **arguments: Any) -> dict[str, Any]:
        """Sends a command to the process and returns its reply.

        Raises:
            PhoneError: it could not be done.
            PhoneDied: the process is gone or does not reply.
        """
        self._check()
        number = next(self._numbers)
        reply = self._replies[number] = asyncio.get_running_loop().create_future()
        assert self._process.stdin is not None  # noqa: S101 - it was started with a pipe
        self._process.stdin.write(json.dumps({"id": number, "do": name, **arguments}).encode() + b"\n")
        try:
            async with asyncio.timeout(REPLY_S):
                answer = await reply
        except TimeoutError:
            raise PhoneDied(f"the phone did not reply to {name!r} within {REPLY_S:g} s; {self._log_hint()}") from None
        finally:
            self._replies.pop(number, None)
        if "error" in answer:
            raise PhoneError(answer["error"])
        result: dict[str, Any] = answer["ok"]
        return result

    async def until(self, condition: Callable[[], bool], timeout_s: float | None, what: str) -> None:
        """Waits for something that an event of the phone brings about.

        Raises:
            PhoneError: it did not come in time.
            PhoneDied: nor will it ever.
        """
        try:
            async with asyncio.timeout(timeout_s):
                while not condition():
                    self._check()
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise PhoneError(f"{what} did not come within {timeout_s:g} s; {self._log_hint()}") from None

    async def follow(self) -> None:
        """Reads what the process says until it ends. `phone_in` runs it."""
        assert self._process.stdout is not None  # noqa: S101 - it was started with a pipe
        async for line in self._process.stdout:
            self._take(json.loads(line))
            self._changed.set()
        code = await self._process.wait()
        cause = "hung" if code == KILLED_BY_ALARM else f"ended with code {code}"
        self._died = PhoneDied(f"the phone's process {cause}; {self._log_hint()}")
        for reply in self._replies.values():
            if not reply.done():
                reply.set_exception(self._died)
        self._changed.set()

    def _take(self, message: dict[str, Any]) -> None:
        match message.get("event"):
            case None:
                reply = self._replies.get(message["id"])
                if reply is not None and not reply.done():
                    reply.set_result(message)
            case "ready":
                self.sip_port = message["sip_port"]
            case "registration":
                self.registration = Registration(message["code"], message["reason"], message["expires_s"])
            case "incoming":
                self.incoming.append(self._remember(message["call"], message["call_id"], message))
            case _:
                # The first states of an outgoing call may come before the reply that tells its number.
                call_id = message.get("call_id")
                known = self._calls.get(message["call"])
                if known is None or (call_id is not None and call_id != known.call_id):
                    known = self._remember(message["call"], call_id or "")
                known.now = after(known.now, message)

    def _remember(self, number: int, call_id: str, event: dict[str, Any] | None = None) -> PhoneCall:
        call = self._calls.get(number)
        if call is None or call.call_id != call_id:
            call = self._calls[number] = PhoneCall(self, number, call_id)
        if event is not None:
            call.now = after(call.now, event)
        return call

    def _check(self) -> None:
        if self._died is not None:
            raise self._died

    def _log_hint(self) -> str:
        errors = (self._directory / "stderr.log").read_text(errors="replace").strip().splitlines()
        last = f" ({errors[-1]})" if errors else ""
        return f"see {self._directory}/pjsua.log and stderr.log{last}"


@asynccontextmanager
async def phone_in(directory: Path, *, address: str = "127.0.0.1", codec: str = "PCMA") -> AsyncIterator[Phone]:
    """A phone in its own process, with its log and recordings in `directory`, for as long as the block lasts.

    Raises:
        PhoneError: there is no pjsua2 here, or it does not start.
    """
    if importlib.util.find_spec("pjsua2") is None:
        raise PhoneError(NO_PJSUA2.format(*sys.version_info))
    with _stderr_log(directory) as errors:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "vqm_local.phone", "--directory", str(directory)),
            *("--address", address, "--codec", codec),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
        )
    phone = Phone(process, directory, address)
    follower = asyncio.create_task(phone.follow())
    try:
        await phone.until(lambda: phone.sip_port > 0, START_S, "the phone's first sign of life")
        yield phone
    finally:
        await _end(process)
        await follower


def _stderr_log(directory: Path) -> BinaryIO:
    directory.mkdir(parents=True, exist_ok=True)
    return (directory / "stderr.log").open("wb")


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.stdin is not None:
        process.stdin.close()
    try:
        async with asyncio.timeout(QUIT_S):
            await process.wait()
    except TimeoutError:
        process.kill()
