"""A wall clock that is set is noticed once; one that drifts, or a process that was kept waiting, is no step."""

from collections.abc import Callable, Iterator

from rtp_analyzer.clocks import ClockWatch


class Clocks:
    def __init__(self) -> None:
        self.wall_s, self.monotonic_s = 1_700_000_000.0, 50.0
        self.interruptions_s: Iterator[float] = iter(())

    def pass_time(self, seconds: float, wall_ahead_s: float = 0.0) -> None:
        self.monotonic_s += seconds
        self.wall_s += seconds + wall_ahead_s

    @property
    def now(self) -> Callable[[], float]:
        def read() -> float:
            self.pass_time(next(self.interruptions_s, 0.0))
            return self.wall_s

        return read

    def monotonic(self) -> float:
        return self.monotonic_s


def test_a_clock_that_is_set_is_noticed_once():
    clocks = Clocks()
    watch = ClockWatch(clocks.now, clocks.monotonic)

    clocks.pass_time(1.0, wall_ahead_s=-0.5)

    assert watch.stepped()
    clocks.pass_time(1.0)
    assert not watch.stepped()


def test_what_an_ntp_daemon_slews_is_no_step():
    clocks = Clocks()
    watch = ClockWatch(clocks.now, clocks.monotonic)

    for _ in range(100):
        clocks.pass_time(1.0, wall_ahead_s=0.0005)
        assert not watch.stepped()


def test_a_reading_that_was_interrupted_is_taken_again():
    clocks = Clocks()
    watch = ClockWatch(clocks.now, clocks.monotonic)

    clocks.interruptions_s = iter((0.2, 0.05))

    assert not watch.stepped()
