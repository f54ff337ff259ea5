"""A transaction machine on a clock of its own: its timers run out in order, and what it sends is kept with the time."""

from typing import Protocol

from sip_proxy.effects import CancelTimer, Effects, Failed, Message, PassUp, Send, SetTimer, Terminated


class Machine(Protocol):
    def fire(self, timer: str) -> Effects: ...


class VirtualTime:
    """Does the effects of one machine, without a network."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._timers: dict[str, float] = {}
        self.now = 0.0
        self.sent: list[tuple[float, Message]] = []
        self.passed_up: list[Message] = []
        self.failures: list[str] = []
        self.ended_at: float | None = None

    @property
    def sent_at(self) -> list[float]:
        return [at for at, _ in self.sent]

    @property
    def running_timers(self) -> set[str]:
        return set(self._timers)

    def do(self, effects: Effects) -> None:
        for effect in effects:
            match effect:
                case Send(message):
                    self.sent.append((self.now, message))
                case SetTimer(_, name, delay_s):
                    self._timers[name] = self.now + delay_s
                case CancelTimer(_, name):
                    self._timers.pop(name, None)
                case PassUp(_, message):
                    self.passed_up.append(message)
                case Failed(_, why):
                    self.failures.append(why)
                case Terminated():
                    self.ended_at = self.now

    def run_until(self, time: float) -> None:
        """Lets the time pass, and every timer run out that is due."""
        while due := [(at, name) for name, at in self._timers.items() if at <= time]:
            self.now, name = min(due)
            del self._timers[name]
            self.do(self._machine.fire(name))
        self.now = time
