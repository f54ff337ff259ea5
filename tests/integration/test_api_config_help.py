"""The configuration help over REST: for a signed-in user, with this server's own address, and nothing else let in."""

import httpx
import pytest

from tests.integration.api_running import running_api

pytestmark = pytest.mark.integration


@pytest.fixture
async def api(broker, redis, tmp_path):
    async with running_api(broker.url, tmp_path, sip_port=5070, public_address="203.0.113.8") as api:
        yield api


async def test_a_device_is_configured_for_this_server(api):
    found = await api.get("/api/v1/config-help/yealink", account="gateway-test", transport="tcp")

    lines = [line["text"] for part in found["parts"] for line in part["lines"]]
    assert found["server"] == "203.0.113.8:5070"
    assert "account.1.sip_server.1.address = 203.0.113.8" in lines
    assert "account.1.user_name = gateway-test" in lines
    assert all(note["en"] and note["it"] for note in found["notes"])


async def test_another_name_of_the_server_can_be_given(api):
    found = await api.get("/api/v1/config-help/yealink", account="a", host="sip.example.com")

    assert found["server"] == "sip.example.com:5070"


async def test_the_list_names_every_device_with_its_transports(api):
    found = await api.get("/api/v1/config-help")

    assert {"id": "baresip", "name": "baresip", "kind": "softphone", "confidence": "tried",
            "transports": ["udp", "tcp", "tls"]} in found["items"]  # fmt: skip


@pytest.mark.parametrize(
    ("device", "query", "status"),
    [
        ("toaster", {"account": "a"}, 404),
        ("yealink", {}, 422),
        ("yealink", {"account": "a\nb"}, 422),
        ("yealink", {"account": "a", "transport": "sctp"}, 422),
        ("yealink", {"account": "a", "host": "x y"}, 422),
        ("yealink", {"account": "{{ 7 * 7 }}"}, 422),
    ],
)
async def test_what_cannot_be_filled_in_is_a_problem(api, device, query, status):
    answer = await api.client.get(f"/api/v1/config-help/{device}", params=query)

    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")


async def test_strangers_learn_nothing(api):
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{api.port}") as stranger:
        answers = [
            await stranger.get(path) for path in ("/api/v1/config-help", "/api/v1/config-help/yealink?account=a")
        ]

    assert [answer.status_code for answer in answers] == [401, 401]
