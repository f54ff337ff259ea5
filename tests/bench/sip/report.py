"""The figures as a small table, with the bars that they are held against."""

import statistics
from collections.abc import Sequence

from tests.bench.sip.rounds import COST_RATIO, P99_MS, Result, Work


def print_table(work: Work, results: Sequence[Result], most: int | None) -> None:
    """One kind of work, ours first. `most`: the highest rate that we sustained, if it was looked for."""
    ours, peer = results
    ratio = ours.cost_us / peer.cost_us
    answers = f"answer at {work.rate}/s"
    print(f"\n{work.name:32}{ours.system:>12}{peer.system:>12}{'ratio':>8}   bar")
    _row("CPU, µs", ours.cost_us, peer.cost_us, f"{ratio:8.1f}", _bar(ratio <= COST_RATIO, f"<= {COST_RATIO:g}"))
    p99_ms = _median(ours, "p99_ms")
    _row(f"{answers}, p50, ms", _median(ours, "p50_ms"), _median(peer, "p50_ms"))
    _row(f"{answers}, p99, ms", p99_ms, _median(peer, "p99_ms"), "", _bar(p99_ms < P99_MS, f"< {P99_MS:g}"))
    helpers_us = [statistics.median(one.helpers_us) for one in results]
    _row(f"CPU of {ours.helpers} | {peer.helpers}, µs", helpers_us[0], helpers_us[1])
    _row("failed", _failed(ours), _failed(peer))
    if most is not None:
        met = _bar(most >= work.bar, f">= {work.bar}")
        print(f"  {f'most a second, p99 < {P99_MS:g} ms':30}{most:12}{'':12}{'':8}   {met}")


def _row(name: str, ours: float, peer: float, ratio: str = "", bar: str = "") -> None:
    print(f"  {name:30}{ours:12.0f}{peer:12.0f}{ratio:8}   {bar}".rstrip())


def _bar(met: bool, bar: str) -> str:
    return f"{bar} {'met' if met else 'MISSED'}"


def _median(result: Result, what: str) -> float:
    return statistics.median(getattr(outcome, what) for outcome in result.outcomes)


def _failed(result: Result) -> int:
    return sum(outcome.failed for outcome in result.outcomes)
