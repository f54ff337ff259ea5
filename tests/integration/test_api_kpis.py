"""Key performance indicators over REST, from events on the bus to the answer."""

import time
from datetime import UTC, datetime

import pytest

from shared.events import CALLS, CallRinging
from shared.testing import call_answered, call_ended, call_started
from tests.integration.api_running import eventually, running_api, signed_in

pytestmark = pytest.mark.integration

PATH = "/api/v1/kpis"
WEEK_S = 7 * 86_400


@pytest.fixture
async def api(broker, redis, tmp_path):
    async with running_api(broker.url, tmp_path) as api:
        yield api


def rfc3339(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat()


async def publish_calls(bus, at: float, name: str, codes: list[int]) -> None:
    events = []
    for number, code in enumerate(codes):
        call_id = f"{name}-{number}"
        events += [call_started(call_id=call_id, at=at), CallRinging(call_id=call_id, at=at + 2, code=180)]
        if code == 200:
            events.append(call_answered(call_id=call_id, at=at + 5, codec="PCMA"))
        events.append(call_ended(call_id=call_id, at=at + 65, final_code=code))
    await bus.publish([(CALLS, event) for event in events])


async def test_the_traffic_of_today_stands_beside_that_of_a_week_ago(api, bus):
    noon = time.time() // 3600 * 3600 - 12 * 3600
    await publish_calls(bus, noon, "today", [200, 200, 486, 503])
    await publish_calls(bus, noon - WEEK_S, "then", [200])

    async def found():
        answer = await api.get(PATH, since=rfc3339(noon), until=rfc3339(noon + 7200), by="hour", good_time=True)
        return answer["total"]["decided"] == 4 and answer["total_week_before"]["decided"] == 1 and answer

    answer = await eventually(found)

    total, then = answer["total"], answer["total_week_before"]
    assert (total["asr_percent"], total["ner_percent"], total["ser_percent"], total["seer_percent"]) == (50, 75, 50, 75)
    assert total["acd_s"] == pytest.approx(60)
    assert (total["pdd"]["n"], total["pdd"]["p50_s"]) == (4, pytest.approx(2))
    assert (total["concurrent_max"], total["mos"]["n"], total["good"]["percent"]) == (4, 0, None)
    assert (then["asr_percent"], then["concurrent_max"]) == (100, 1)
    first, second = answer["groups"]
    assert (first["hour"], first["kpis"], first["week_before"]) == (_shown(noon), total, then)
    assert (second["hour"], second["kpis"]["attempts"]) == (_shown(noon + 3600), 0)
    assert second["kpis"]["asr_percent"] is second["week_before"]["asr_percent"] is None


def _shown(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@pytest.mark.parametrize(("by", "names"), [("codec", {"PCMA", None}), ("gateway", {"alice@h", "bob@h"})])
async def test_groups_have_their_names(api, bus, by, names):
    at = time.time() - 600
    await bus.publish(
        [
            (CALLS, call_started(call_id="one", at=at, caller="alice@h", callee="bob@h")),
            (CALLS, call_answered(call_id="one", at=at + 1, codec="PCMA")),
            (CALLS, call_started(call_id="two", at=at, caller="bob@h", callee="alice@h")),
        ]
    )

    async def found():
        answer = await api.get(PATH, by=by)
        return answer["total"]["attempts"] == 2 and answer["total"]["answered"] == 1 and answer

    answer = await eventually(found)

    assert {group[by] for group in answer["groups"]} == names
    assert {group["week_before"] for group in answer["groups"]} == {answer["total_week_before"]} == {None}
    assert answer["truncated"] is False


async def test_a_system_without_calls_answers_nothing_known(api):
    answer = await api.get(PATH)

    assert answer["kept_since"] is answer["total_week_before"] is answer["total"]["asr_percent"] is None
    assert (answer["total"]["attempts"], answer["groups"]) == (0, [])


@pytest.mark.parametrize(
    "query",
    [
        {"by": "moon"},
        {"since": "yesterday"},
        {"since": "2025-01-31T00:00:00"},
        {"since": "2025-02-01T00:00:00Z", "until": "2025-01-31T00:00:00Z"},
        {"since": "2025-01-01T00:00:00Z", "until": "2025-02-02T00:00:00Z"},
        {"since": "9999-01-01T00:00:00Z"},
        {"gateway": "a" * 513},
    ],
)
async def test_what_is_no_interval_is_refused(api, query):
    answer = await api.client.get(PATH, params=query)

    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")


async def test_the_first_days_of_time_can_be_asked_for(api):
    answer = await api.get(PATH, since="1970-01-01T00:00:00Z", until="1970-01-02T00:00:00Z", by="hour")

    assert answer["interval_before"]["since"] == "1969-12-25T00:00:00.000Z"


async def test_strangers_are_refused(api):
    async with signed_in(api.port, password=None) as stranger:
        answer = await stranger.client.get(PATH)

    assert answer.status_code == 401
