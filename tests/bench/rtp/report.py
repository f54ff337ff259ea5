"""The figures as a small table, with the bars that they are held against."""

import statistics
from collections.abc import Sequence

from tests.bench.rtp.load import Result

BARS = {"rtpengine": 0.75, "bare C": 1.1}  # our CPU a packet as a share of theirs


def print_table(calls: int, results: Sequence[Result]) -> None:
    """Ours first."""
    ours, *peers = results
    print(f"\n{f'{calls} calls, G.711, 20 ms':34}" + "".join(f"{one.system:>14}" for one in results))
    for title, name, digits in _ROWS:
        values = [statistics.median(getattr(one, name)) for one in results]
        print(f"  {title:32}" + "".join(f"{value:14.{digits}f}" for value in values))
    print(f"  {'lost':32}" + "".join(f"{one.lost:14}" for one in results))
    print(f"  {'of packets sent':32}" + "".join(f"{one.sent:14}" for one in results))
    for name, bar in BARS.items():
        peer = next((one for one in peers if one.system == name), None)
        if peer is not None:
            ratio = statistics.median(a / b for a, b in zip(ours.cpu_us, peer.cpu_us, strict=True))
            print(f"  CPU beside {name:21}{ratio:14.2f}   {_bar(ratio <= bar, f'<= {bar:g}')}")
    print(f"  lost{'':28}{ours.lost:14}   {_bar(ours.lost == 0, '0')}")


_ROWS: tuple[tuple[str, str, int], ...] = (
    ("CPU a packet, µs", "cpu_us", 2),
    ("CPU of the broker, µs", "helpers_us", 2),
    ("delay p50, ms", "p50_ms", 3),
    ("delay p99, ms", "p99_ms", 3),
    ("the parties' own lag, ms", "late_ms", 1),
)


def _bar(met: bool, bar: str) -> str:
    return f"{bar} {'met' if met else 'MISSED'}"
