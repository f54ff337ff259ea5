"""How a registered gateway is served during a flood: `python -m tests.bench.sip_flood [--rate 5000] [--seconds 10]`.

A real sip-proxy process over a real broker; a process of its own sends INVITEs at a steady rate, from one address, from
that of the gateway itself (another port), or from many. A gateway that has registered asks and measures how long each
answer takes. Prints the answer times without and with the flood, and what the proxy did with it.
"""

import argparse
import asyncio
import contextlib
import itertools
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from shared.broker import State, connect
from shared.health import alive
from sip_proxy.effects import Address
from tests.conftest import BrokerProcess
from tests.integration.sip.phone import HOST, Phone, sdp

FLOODERS = {
    "one address": ["127.0.0.2"],
    "the gateway's own address": [HOST],
    "500 addresses": [f"127.1.{number >> 8}.{number & 255}" for number in range(1, 501)],
}
ASK_EVERY_S = 0.02
LOST_S = 2.0  # an answer that takes longer counts as this
TICK_S = 0.002


def flood(port: int, hosts: Sequence[str], rate: float, seconds: float) -> int:
    """Sends INVITEs of an ordinary size; returns how many."""
    body = sdp(4000)
    head = (
        f"INVITE sip:00390501234567@{HOST}:{port} SIP/2.0\r\n"
        f"Via: SIP/2.0/UDP 192.0.2.66:5060;branch=z9hG4bK%d;rport\r\n"
        f"Max-Forwards: 70\r\nFrom: <sip:100@{HOST}>;tag=%d\r\nTo: <sip:00390501234567@{HOST}>\r\n"
        f"Call-ID: %d\r\nCSeq: 1 INVITE\r\nContact: <sip:100@192.0.2.66:5060>\r\nUser-Agent: flood\r\n"
        f"Content-Type: application/sdp\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    sent = 0
    with contextlib.ExitStack() as open_sockets:
        sockets = [open_sockets.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) for _ in hosts]
        for each, host in zip(sockets, hosts, strict=True):
            each.bind((host, 0))
        turns = itertools.cycle(sockets)
        began = time.monotonic()
        while (elapsed := time.monotonic() - began) < seconds:
            for number in range(sent, int(elapsed * rate)):
                next(turns).sendto((head % (number, number, number)).encode() + body, (HOST, port))
                sent = number + 1
            time.sleep(TICK_S)
    return sent


async def ask(gateway: Phone, seconds: float) -> list[float]:
    """The answer times, in seconds, of a registration that is asked for again and again."""
    times = []
    until = time.monotonic() + seconds
    uri, to = f"sip:{gateway.domain}", f"<sip:{gateway.user}@{gateway.domain}>"
    while time.monotonic() < until:
        began = time.perf_counter()
        gateway.send(gateway.write("REGISTER", uri, to=to))
        try:
            await gateway.response("REGISTER", within_s=LOST_S)
            times.append(time.perf_counter() - began)
        except TimeoutError:
            times.append(LOST_S)
        await asyncio.sleep(ASK_EVERY_S)
    return sorted(times)


def cpu_s(pid: int) -> float:
    """The processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def quantiles_ms(times: list[float]) -> dict[str, float]:
    def at(share: float) -> float:
        return round(1000 * times[min(len(times) - 1, int(share * len(times)))], 2)

    return {"n": len(times), "p50_ms": at(0.5), "p99_ms": at(0.99), "max_ms": at(1)}


async def counters(state: State) -> dict[str, float]:
    return next(beat.counters for beat in await alive(state) if beat.service == "sip-proxy")


async def measure(proxy: "Proxy", case: str, rate: float, seconds: float) -> dict[str, object]:
    redis = connect(proxy.broker.url)
    try:
        async with Phone(Address(HOST, proxy.port), "gateway-monitor", "VoipQuality2025!") as gateway:
            await _registered(gateway)
            calm = await ask(gateway, 2)
            used = cpu_s(proxy.process.pid)
            flooder = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", __spec__.name, "--flood", str(proxy.port), "--case", case),
                *("--rate", str(rate), "--seconds", str(seconds)),
                stdout=subprocess.PIPE,
            )
            flooded = await ask(gateway, seconds)
            sent = int((await flooder.communicate())[0])
            used = cpu_s(proxy.process.pid) - used
            await asyncio.sleep(2)  # the next heartbeat
            seen = await counters(State(redis))
        return {
            "flood from": case,
            "calm": quantiles_ms(calm),
            "flooded": quantiles_ms(flooded),
            "sent_per_s": round(sent / seconds),
            "sent": sent,
            "dropped": seen.get("dropped_flood", 0),
            "lost_in_the_kernel": drops(proxy.port),
            "cpu_share": round(used / seconds, 3),
        }
    finally:
        await redis.aclose()


def drops(port: int) -> int:
    """Datagrams that found the receive buffer full."""
    for line in Path("/proc/net/udp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[1].endswith(f":{port:04X}"):
            return int(fields[-1])
    return 0


async def _registered(gateway: Phone) -> None:
    for _ in range(50):
        try:
            async with asyncio.timeout(0.2):
                await gateway.register()
                return
        except TimeoutError:
            continue
    raise SystemExit("the proxy does not answer")


class Proxy:
    """The process under test and its broker."""

    def __init__(self, broker: BrokerProcess) -> None:
        self.broker = broker
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind((HOST, 0))
            self.port: int = probe.getsockname()[1]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("VQM_")}
        environment |= {"VQM_REDIS_URL": broker.url, "VQM_BIND": HOST, "VQM_SIP_PORT": str(self.port)}
        environment |= {"VQM_SIP_TRANSPORTS": "udp", "VQM_LOG_LEVEL": "error"}
        self.process = subprocess.Popen([sys.executable, "-m", "sip_proxy"], env=environment)


@contextlib.contextmanager
def running() -> Iterator[Proxy]:
    with tempfile.TemporaryDirectory(prefix="vqm-") as folder:
        broker = BrokerProcess(Path(folder))
        broker.start()
        try:
            proxy = Proxy(broker)
            try:
                yield proxy
            finally:
                proxy.process.terminate()
                proxy.process.wait(10)
        finally:
            broker.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=float, default=5000.0)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--case", choices=FLOODERS, help="only this one")
    parser.add_argument("--flood", type=int, metavar="PORT", help=argparse.SUPPRESS)
    wanted = parser.parse_args()
    if wanted.flood is not None:
        print(flood(wanted.flood, FLOODERS[wanted.case], wanted.rate, wanted.seconds))
        return
    for case in [wanted.case] if wanted.case else FLOODERS:
        with running() as proxy:
            print(json.dumps(asyncio.run(measure(proxy, case, wanted.rate, wanted.seconds)), indent=1))


if __name__ == "__main__":
    main()
