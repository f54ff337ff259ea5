"""The two kinds of work that are measured, done on one system."""

from contextlib import AbstractContextManager
from pathlib import Path

from tests.bench.machine import Cores
from tests.bench.sip.sipp import Caller, Outcome, Sipp
from tests.bench.sip.systems import CALLEES, CALLERS, PASSWORD, System
from tests.ports import free_port

_CALLERS = [Caller(name, PASSWORD, CALLEES[number % len(CALLEES)]) for number, name in enumerate(CALLERS)]
_CALLEES = [Caller(name, PASSWORD) for name in CALLEES]


class Load:
    """Makes load on one system."""

    def __init__(self, system: System, folder: Path, cores: Cores) -> None:
        self.system = system
        self._sipp = Sipp(system.port, folder, cores.others)
        self._port = free_port()  # always the same: a device that comes again refreshes its binding

    def register(self, rate: int, count: int) -> Outcome:
        """Registrations with a challenge each, `rate` a second."""
        return self._sipp.run("register", _CALLERS, rate, count, self._port)

    def call(self, rate: int, count: int) -> Outcome:
        """Calls with a challenge each, to devices that answer at once; inside `answering` only."""
        return self._sipp.run("caller", _CALLERS, rate, count, self._port)

    def answering(self) -> AbstractContextManager[None]:
        """The callees are registered, and answer."""
        return self._sipp.serve("callee", _CALLEES)
