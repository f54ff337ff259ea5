"""Who may read the metrics: by address, or signed in."""

import httpx
import pytest

from tests.integration.api_running import running_api

pytestmark = pytest.mark.integration


@pytest.mark.parametrize(("networks", "status"), [("127.0.0.0/8,::1/128", 200), ("192.0.2.0/24", 401)])
async def test_the_address_decides(broker, redis, tmp_path, networks, status):
    async with (
        running_api(broker.url, tmp_path, metrics_networks=networks) as api,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{api.port}") as scraper,
    ):
        answer = await scraper.get("/metrics")

    assert answer.status_code == status


async def test_whoever_is_signed_in_may_read_them_too(broker, redis, tmp_path):
    async with running_api(broker.url, tmp_path, metrics_networks="192.0.2.0/24") as api:
        answer = await api.client.get("/metrics")

    assert answer.status_code == 200
    assert 'vqm_service_up{instance="api-1",service="api"}' in answer.text
