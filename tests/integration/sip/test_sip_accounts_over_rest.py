"""From a request to the api to a telephone that registers: the api and the proxy as they run, over one Redis."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.conftest import BrokerProcess
from tests.integration.api_running import RunningApi, running_api
from tests.integration.sip.conftest import System, running
from tests.integration.sip.phone import HOST
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

PATH = "/api/v1/accounts/office"


@pytest.fixture
async def system(broker: BrokerProcess) -> AsyncIterator[System]:
    async with running(broker, trusted_networks=HOST) as system:
        yield system


@pytest.fixture
async def api(system: System, broker: BrokerProcess, tmp_path: Path) -> AsyncIterator[RunningApi]:
    async with running_api(broker.url, tmp_path) as api:
        yield api


async def test_an_account_comes_changes_and_goes_within_a_second(api: RunningApi, system: System) -> None:
    made = await api.client.put(PATH, json={"generate_password": True})
    phone = await system.phone("office", made.json()["password"])

    async def answered(status: int) -> bool:
        return (await phone.register()).status == status

    async def is_unregistered() -> bool:
        devices = (await api.get("/api/v1/registrations"))["items"]
        return {device["state"] for device in devices if device["aor"].startswith("office@")} == {"unregistered"}

    async def contacts(count: int) -> bool:
        return bool((await api.get(PATH))["contacts"] == count)

    await wait_until(lambda: answered(200), "the new account to register", within_s=1)
    await wait_until(lambda: contacts(1), "its device to be counted", within_s=3)

    await api.client.patch(PATH, json={"password": "the new password"})
    await wait_until(lambda: answered(401), "the old password to be wrong", within_s=1)
    await wait_until(lambda: contacts(0), "its device to be gone", within_s=3)
    phone.password = "the new password"
    assert await answered(200)

    await api.client.delete(PATH)
    await wait_until(lambda: answered(401), "the account to be unknown", within_s=1)
    await wait_until(is_unregistered, "its device to be gone", within_s=3)


async def test_every_account_of_a_table_registers(api: RunningApi, system: System) -> None:
    table = "name,password,users\n" + "".join(f"phone{n},password of {n},{100 + n}\n" for n in range(20))

    answer = await api.client.post(
        "/api/v1/accounts/import", content=table.encode(), headers={"Content-Type": "text/csv"}
    )
    phones = [await system.phone(f"{100 + n}", f"password of {n}", auth_user=f"phone{n}") for n in range(20)]

    async def first_is_in() -> bool:
        return (await phones[0].register()).status == 200

    assert answer.json()["created"] == 20
    await wait_until(first_is_in, "the table to be effective", within_s=1)
    assert {(await phone.register()).status for phone in phones} == {200}
