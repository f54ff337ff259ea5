"""Work of one call in order, calls apart from each other, a bug in one contained."""

import asyncio

from sip_proxy.lanes import Lanes


async def test_work_of_one_call_is_done_in_order_across_waits() -> None:
    done: list[str] = []
    gate = asyncio.Event()

    async def handle(work: str) -> None:
        if work == "a1":
            await gate.wait()
        done.append(work)
        if work == "b1":
            gate.set()

    async with asyncio.TaskGroup() as tasks:
        lanes: Lanes[str] = Lanes(tasks)
        lanes.serve(handle, lambda _: None)
        for call_id, work in (("a", "a1"), ("a", "a2"), ("b", "b1"), ("a", "a3")):
            lanes.put(call_id, work)

    assert done == ["b1", "a1", "a2", "a3"]
    assert len(lanes) == 0


async def test_a_bug_breaks_off_one_piece_of_work_only() -> None:
    done: list[str] = []
    broken: list[str] = []

    async def handle(work: str) -> None:
        if work == "bug":
            raise ZeroDivisionError
        done.append(work)

    async with asyncio.TaskGroup() as tasks:
        lanes: Lanes[str] = Lanes(tasks)
        lanes.serve(handle, broken.append)
        for work in ("one", "bug", "two"):
            lanes.put("call", work)

    assert done == ["one", "two"]
    assert broken == ["bug"]
    assert lanes.failures == 1
