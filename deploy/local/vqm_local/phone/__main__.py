"""The phone's own process: commands come as JSON lines on stdin, replies and events leave as JSON lines on stdout.

A command is `{"id": 1, "do": "call", "uri": "sip:999@..."}`; its reply `{"id": 1, "ok": {...}}` or
`{"id": 1, "error": "..."}`; an event `{"event": "call_state", "at": 1700000000.0, ...}`.
The end of stdin ends the phone.
"""

import argparse
import inspect
import json
import os
import resource
import select
import signal
import sys
import time
from pathlib import Path
from typing import Any

LARGEST_FILE_BYTES = 16 * 2**20  # bounds the log and each recording; what is beyond is not written
HANG_S = 10  # an unattended loop for this long means that pjsua2 hangs: die (SIGALRM), so that the parent sees it
STEP_MS = 5
COMMANDS = ("account", "unregister", "call", "answer", "answer_all", "hangup", "play", "dial", "counts")


class Wire:
    """JSON lines in and out of two file descriptors."""

    def __init__(self, incoming: int, outgoing: int) -> None:
        self._incoming = incoming
        self._outgoing = outgoing
        self._rest = b""

    def send(self, message: dict[str, Any]) -> None:
        os.write(self._outgoing, json.dumps(message).encode() + b"\n")

    def report(self, event: str, **fields: Any) -> None:
        self.send({"event": event, "at": time.time(), **fields})  # noqa: TID251 - this shell reads the clock

    def receive(self) -> list[dict[str, Any]] | None:
        """The commands that have come; None when there will be no more."""
        if not select.select([self._incoming], [], [], 0)[0]:
            return []
        data = os.read(self._incoming, 65536)
        if not data:
            return None
        *lines, self._rest = (self._rest + data).split(b"\n")
        return [json.loads(line) for line in lines]


def obey(phone: Any, command: dict[str, Any]) -> dict[str, Any]:
    """Does what a command says and returns the reply."""
    number = command.pop("id")
    name = command.pop("do")
    if name not in COMMANDS:
        return {"id": number, "error": f"no command {name!r}"}
    method = getattr(phone, name)
    try:
        inspect.signature(method).bind(**command)
        return {"id": number, "ok": method(**command)}
    except Exception as error:  # noqa: BLE001 - pjsua2 raises bare Exceptions; the parent gets every one as text
        reason = getattr(error, "reason", None) or str(error)
        return {"id": number, "error": f"{name}: {reason}"}


def run(phone: Any, wire: Wire) -> None:
    """Serves until stdin ends."""
    while True:
        signal.alarm(HANG_S)
        commands = wire.receive()
        if commands is None:
            return
        for command in commands:
            wire.send(obey(phone, command))
        phone.work(STEP_MS)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m vqm_local.phone", description=__doc__)
    parser.add_argument("--directory", type=Path, required=True, help="for its log and recordings")
    parser.add_argument("--address", default="127.0.0.1")
    parser.add_argument("--codec", default="PCMA")
    options = parser.parse_args()

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent ends us by closing stdin
    signal.alarm(HANG_S)
    resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST_FILE_BYTES, LARGEST_FILE_BYTES))
    wire = Wire(sys.stdin.fileno(), os.dup(sys.stdout.fileno()))
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # pjlib prints to stdout until its log is set up

    from vqm_local.phone.softphone import Softphone  # after the redirection, for the same reason

    phone = Softphone(options.directory, options.address, options.codec, wire.report)
    wire.report("ready", sip_port=phone.sip_port())
    run(phone, wire)
    phone.close()
    os._exit(0)  # pjsua2's destructors must not run after libDestroy


if __name__ == "__main__":
    main()
