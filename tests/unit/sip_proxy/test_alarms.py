"""Timers by owner and name, on a real loop with short delays."""

from sip_proxy.alarms import Alarms, Owner
from tests.waiting import wait_until


class Recorder:
    """Alarms, and which of them have run out."""

    def __init__(self) -> None:
        self.ran: list[tuple[Owner, str]] = []
        self.alarms = Alarms(lambda owner, name: self.ran.append((owner, name)))

    async def all_ran(self) -> list[str]:
        await wait_until(lambda: not len(self.alarms), "the end of all timers")
        return [name for _, name in self.ran]


async def test_timers_run_out_by_their_time_whatever_their_length() -> None:
    recorder = Recorder()

    recorder.alarms.set("call", "third", 0.03)
    recorder.alarms.set("call", "first", 0.01)
    recorder.alarms.set("call", "second", 0.02)

    assert await recorder.all_ran() == ["first", "second", "third"]


async def test_a_timer_takes_the_place_of_the_earlier_one_of_its_name() -> None:
    recorder = Recorder()

    recorder.alarms.set("call", "again", 0.01)
    recorder.alarms.set("call", "between", 0.02)
    recorder.alarms.set("call", "again", 0.03)

    assert await recorder.all_ran() == ["between", "again"]


async def test_a_cancelled_timer_never_runs_and_holds_up_no_other_of_its_length() -> None:
    recorder = Recorder()
    recorder.alarms.set("one", "A", 0.01)
    recorder.alarms.set("other", "A", 0.01)

    recorder.alarms.cancel("one", "A")
    recorder.alarms.cancel("one", "unknown")

    assert await recorder.all_ran() == ["A"]
    assert recorder.ran == [("other", "A")]


async def test_a_timer_may_be_set_anew_when_it_runs_out() -> None:
    names = iter(["second", "third"])
    ran: list[str] = []

    def again(owner: Owner, name: str) -> None:
        ran.append(name)
        if (following := next(names, None)) is not None:
            alarms.set(owner, following, 0.01)

    alarms = Alarms(again)
    alarms.set("call", "first", 0.01)

    await wait_until(lambda: not len(alarms), "the end of all timers")
    assert ran == ["first", "second", "third"]


async def test_after_the_end_nothing_runs() -> None:
    recorder = Recorder()
    recorder.alarms.set("call", "A", 0.001)
    other = Recorder()
    other.alarms.set("call", "later", 0.02)

    recorder.alarms.close()

    assert await other.all_ran() == ["later"]
    assert recorder.ran == []
