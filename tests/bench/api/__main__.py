"""`python -m tests.bench.api`: how many slices a second one api stores, and how fast it lists a million calls and
counts the key performance indicators of a busy day."""

import argparse
import asyncio
import os
import platform
import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path

from tests.bench.api.ingest import measure_ingest
from tests.bench.api.kpis import fill_days, measure_kpis
from tests.bench.api.lists import fill, measure_lists
from tests.conftest import BrokerProcess
from tests.postgres import postgres_server

BARS = {"sqlite": 10_000, "postgresql": 20_000}
LIST_BAR_MS = 100


def main() -> None:
    arguments = argparse.ArgumentParser(prog="python -m tests.bench.api")
    arguments.add_argument("--calls", type=int, default=1_000_000, help="stored, for the lists")
    arguments.add_argument("--live", type=int, default=500, help="calls at a time, for the ingest")
    arguments.add_argument("--seconds", type=int, default=200, help="of each call, for the ingest")
    arguments.add_argument("--database", choices=list(BARS), help="only this")
    arguments.add_argument("--day", type=int, default=100_000, help="calls of a day, for the indicators")
    arguments.add_argument("--only", choices=["ingest", "lists", "kpis"])
    given = arguments.parse_args()
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, Linux {platform.release()}, Python {platform.python_version()}"
    )
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="vqm-"))
        stack.callback(shutil.rmtree, folder)
        for kind, bar in BARS.items():
            if given.database not in (None, kind):
                continue
            if kind == "sqlite":
                urls = (f"sqlite:///{folder}/{name}.sqlite3" for name in ("ingest", "lists", "kpis"))
            else:
                server = stack.enter_context(postgres_server("shared_buffers=256MB"))
                urls = (server.new_database() for _ in range(3))
            for_ingest, for_lists, for_kpis = urls
            if given.only in (None, "ingest"):
                asyncio.run(_ingest(kind, for_ingest, folder, given.live, given.seconds, bar))
            if given.only in (None, "lists"):
                asyncio.run(_lists(kind, for_lists, given.calls))
            if given.only in (None, "kpis"):
                asyncio.run(_kpis(kind, for_kpis, given.day))


async def _ingest(kind: str, url: str, folder: Path, live: int, seconds: int, bar: int) -> None:
    broker = BrokerProcess(folder)
    broker.start()
    try:
        result = await measure_ingest(broker.url, url, live, seconds)
    finally:
        broker.stop()
    verdict = "met" if result.slices_per_s >= bar else "MISSED"
    print(f"{kind}: {result.slices} slices of {live} live calls")
    print(f"  stored a second        {result.slices_per_s:10,.0f}   >= {bar:,} {verdict}")
    print(f"  CPU of the api, µs     {result.cpu_us:10.1f}   a slice", flush=True)


async def _lists(kind: str, url: str, calls: int) -> None:
    await fill(url, calls)
    print(f"{kind}: {calls:,} calls stored, answers of the REST queries in ms")
    print(f"  {'':44}{'p50':>8}{'p95':>8}   < {LIST_BAR_MS}")
    for name, p50, p95 in await measure_lists(url, calls):
        print(f"  {name:44}{p50:8.1f}{p95:8.1f}   {'met' if p95 < LIST_BAR_MS else 'MISSED'}", flush=True)


async def _kpis(kind: str, url: str, calls: int) -> None:
    await fill_days(url, calls)
    print(f"{kind}: a day of {calls:,} calls and the same a week before, {2 * calls * 48:,} rows of course, in seconds")
    for name, took_s in await measure_kpis(url):
        print(f"  {name:44}{took_s:8.2f}", flush=True)


if __name__ == "__main__":
    main()
