"""Captures over REST: uploaded, analysed by the real worker, told on the socket, cancelled, and nothing left behind."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.capture_files import ALICE, BOB, SSRC, on_ethernet, pcap, set_up, voice
from tests.integration.api_running import RunningApi, message, running_api, signed_in
from tests.waiting import wait_until

# In a fresh checkout the analysis compiles first.
pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]
COMPILED_S = 200.0


@contextmanager
def worker(data_dir: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The capture worker as the supervisor and compose run it."""
    environment = {**os.environ, "VQM_DATA_DIR": str(data_dir)}
    process = subprocess.Popen(
        [sys.executable, "-m", "rtp_analyzer.capture_worker"], env=environment, stderr=subprocess.PIPE
    )
    try:
        yield process
    finally:
        process.terminate()
        _, errors = process.communicate(timeout=20)
        assert process.returncode == 0, errors.decode()


@pytest.fixture
async def api(broker, redis, tmp_path) -> AsyncIterator[RunningApi]:
    async with running_api(broker.url, tmp_path, capture_max_mb=1, disk_reserve_mb=0) as running:
        yield running


def call(count: int = 100) -> bytes:
    return pcap(on_ethernet(set_up("one@call", ALICE, BOB), voice(count)))


async def upload(api: RunningApi, content: Any, name: str = "call.pcap") -> dict[str, Any]:
    answer = await api.client.post("/api/v1/captures", params={"name": name}, content=content)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    assert answer.headers["location"] == f"/api/v1/captures/{found['capture_id']}"
    return found


async def settled(api: RunningApi, capture_id: str) -> dict[str, Any]:
    async def ended() -> dict[str, Any] | None:
        found: dict[str, Any] = await api.get(f"/api/v1/captures/{capture_id}")
        return found if found["state"] in ("done", "failed") else None

    found: dict[str, Any] = await wait_until(ended, "the analysis ends", within_s=COMPILED_S)
    return found


def files(tmp_path: Path) -> list[str]:
    return sorted(path.suffix for path in (tmp_path / "captures").iterdir())


async def nothing_left(tmp_path: Path) -> None:
    await wait_until(lambda: files(tmp_path) == [], f"no file stays, not {files(tmp_path)}")


def analyses(worker: subprocess.Popen[bytes]) -> list[str]:
    return Path(f"/proc/{worker.pid}/task/{worker.pid}/children").read_text().split()


async def test_a_capture_becomes_a_report_of_its_streams(api, tmp_path):
    with worker(tmp_path):
        capture = await upload(api, call())
        assert (capture["state"], capture["progress"], capture["uploaded_by"]) == ("queued", None, "admin")

        done = await settled(api, capture["capture_id"])
        await nothing_left(tmp_path)

    assert (done["state"], done["error"], done["streams"], done["report"]["name"]) == ("done", None, 1, "call.pcap")
    (stream,) = done["report"]["streams"]
    assert (stream["ssrc"], stream["codec"], stream["direction"]) == (SSRC, "PCMA", "caller")
    assert stream["total"]["packets_received"] == 100
    assert stream["total"]["quality"]["mos"] == pytest.approx(4.41, abs=0.01)


async def test_progress_and_end_are_told_on_the_socket(api, tmp_path):
    states: list[str] = []
    shares: list[float | None] = []
    async with api.websocket() as websocket:
        await message(websocket, "snapshot")
        with worker(tmp_path):
            capture = await upload(api, call(4000))
            while not {"done", "failed"} & set(states):
                for told in (await message(websocket, "delta", COMPILED_S))["captures"]:
                    assert told["capture_id"] == capture["capture_id"]
                    states.append(told["state"])
                    shares.append(told["progress"])

    assert list(dict.fromkeys(states)) == ["queued", "running", "done"]
    known = [share for share in shares if share is not None]
    assert known == sorted(known)
    assert known[-1] == 1


async def test_a_snapshot_tells_what_is_under_way(api):
    capture = await upload(api, call())

    async with api.websocket() as websocket:
        shown = (await message(websocket, "snapshot"))["captures"]

    assert [one["capture_id"] for one in shown] == [capture["capture_id"]]


async def test_hostile_files_fail_with_one_sentence_or_say_what_is_wrong(api, tmp_path):
    with worker(tmp_path):
        no_capture = await upload(api, b"GET / HTTP/1.1\r\n\r\n", "letter.docx")
        empty = await upload(api, b"", "empty.pcap")
        cut_off = await upload(api, call()[:-10], "cut off.pcap")
        damaged = await upload(api, call() + b"\xff" * 64, "damaged.pcap")
        ended = [await settled(api, each["capture_id"]) for each in (no_capture, empty, cut_off, damaged)]
        await nothing_left(tmp_path)

    assert [each["state"] for each in ended] == ["failed", "failed", "done", "done"]
    assert ended[0]["error"] == "letter.docx is no capture: neither pcap nor pcapng"
    assert ended[0]["report"] is None
    assert ended[1]["error"].startswith("empty.pcap is ")
    assert ended[2]["report"]["truncated"] is True
    assert ended[3]["report"]["damage"] == "the file is damaged after packet 102"


@pytest.mark.parametrize("announced", [True, False])
async def test_what_is_larger_than_allowed_is_refused_and_leaves_nothing(api, tmp_path, announced):
    async def blocks() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield bytes(100_000)

    content = bytes(2_000_000) if announced else blocks()

    answer = await api.client.post("/api/v1/captures", content=content)

    assert answer.status_code == 413
    assert answer.json()["detail"] == "captures of up to 1 MB may be uploaded (VQM_CAPTURE_MAX_MB)"
    assert files(tmp_path) == []
    assert (await api.get("/api/v1/captures"))["items"] == []


async def test_a_full_disk_refuses_captures(broker, redis, tmp_path):
    async with running_api(broker.url, tmp_path, disk_reserve_mb=1 << 40) as api:
        answer = await api.client.post("/api/v1/captures", content=call())

    assert answer.status_code == 507
    assert files(tmp_path) == []


async def test_an_upload_that_breaks_off_leaves_nothing(api, tmp_path):
    _, writer = await asyncio.open_connection("127.0.0.1", api.port)
    cookie = api.client.cookies["vqm_session"]
    head = (
        f"POST /api/v1/captures HTTP/1.1\r\nHost: x\r\nCookie: vqm_session={cookie}\r\nContent-Length: 900000\r\n\r\n"
    )
    writer.write(head.encode() + bytes(300_000))
    await wait_until(lambda: files(tmp_path) == [".arriving"], "the upload begins")

    writer.transport.abort()

    await nothing_left(tmp_path)
    assert (await api.get("/api/v1/captures"))["items"] == []


async def test_cancelling_leaves_no_process_and_no_file(api, tmp_path):
    with worker(tmp_path) as running:
        capture = await upload(api, call())
        path = tmp_path / "captures" / f"{capture['capture_id']}.capture"
        await wait_until(lambda: analyses(running), "the analysis begins")

        assert (await api.client.delete(f"/api/v1/captures/{capture['capture_id']}")).status_code == 204

        await wait_until(lambda: analyses(running) == [], "the analysis ends")
        await nothing_left(tmp_path)
        assert not path.exists()
        assert (await api.client.get(f"/api/v1/captures/{capture['capture_id']}")).status_code == 404
        assert (await api.client.delete(f"/api/v1/captures/{capture['capture_id']}")).status_code == 404


async def test_two_users_upload_at_once_and_one_is_analysed_after_the_other(api, tmp_path):
    async with signed_in(api.port) as other:
        with worker(tmp_path) as running:
            first, second = await asyncio.gather(upload(api, call(50), "a.pcap"), upload(other, call(60), "b.pcap"))
            most = 0

            async def both() -> bool:
                nonlocal most
                most = max(most, len(analyses(running)))
                items = (await other.get("/api/v1/captures"))["items"]
                return [item["state"] for item in items] == ["done", "done"]

            await wait_until(both, "both are analysed", within_s=COMPILED_S)

    assert most == 1
    reports = [await api.get(f"/api/v1/captures/{each['capture_id']}") for each in (first, second)]
    assert [each["report"]["streams"][0]["total"]["packets_received"] for each in reports] == [50, 60]


async def test_a_restart_of_the_api_goes_on_where_it_stopped(broker, redis, tmp_path):
    async with running_api(broker.url, tmp_path, disk_reserve_mb=0) as api:
        kept = await upload(api, call())
        lost = await upload(api, call())
    (tmp_path / "captures" / f"{lost['capture_id']}.capture").unlink()
    (tmp_path / "captures" / "0123.arriving").write_bytes(b"half of it")

    with worker(tmp_path):
        async with running_api(broker.url, tmp_path, disk_reserve_mb=0) as api:
            done, failed = await settled(api, kept["capture_id"]), await settled(api, lost["capture_id"])
            await nothing_left(tmp_path)

    assert (done["state"], done["streams"]) == ("done", 1)
    assert (failed["state"], failed["error"]) == ("failed", "its file is gone")


async def test_files_are_kept_where_that_is_wanted(broker, redis, tmp_path):
    async with running_api(broker.url, tmp_path, disk_reserve_mb=0, keep_capture_files=True) as api:
        with worker(tmp_path):
            capture = await upload(api, call())
            await settled(api, capture["capture_id"])
            await wait_until(lambda: files(tmp_path) == [".kept"], "only the capture stays")

        await api.client.delete(f"/api/v1/captures/{capture['capture_id']}")

    assert files(tmp_path) == []


async def test_the_list_has_pages(api):
    uploaded = [await upload(api, b"x", f"{number}.pcap") for number in range(3)]

    first = await api.get("/api/v1/captures", limit=2)
    second = await api.get("/api/v1/captures", limit=2, cursor=first["next_cursor"])
    bad = await api.client.get("/api/v1/captures", params={"cursor": "WyJ4Il0="})

    assert [item["name"] for item in first["items"]] == ["2.pcap", "1.pcap"]
    assert [item["capture_id"] for item in second["items"]] == [uploaded[0]["capture_id"]]
    assert second["next_cursor"] is None
    assert first["max_bytes"] == 1 << 20
    assert bad.status_code == 400


async def test_strangers_upload_nothing(api, tmp_path):
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{api.port}", trust_env=False) as stranger:
        answer = await stranger.post("/api/v1/captures", content=call())

    assert answer.status_code == 401
    assert files(tmp_path) == []
