"""SIP accounts over REST: written into the database, passed on through Redis, and never shown with their password."""

import json

import httpx
import pytest

from shared.broker import AccountBook
from shared.digest import ha1
from shared.events import REGISTRATIONS, DeviceRegistered, DeviceUnregistered
from tests.integration.api_running import eventually, running_api

pytestmark = pytest.mark.integration

PATH = "/api/v1/accounts"
PASSWORD = "a secret of its own"


@pytest.fixture
async def api(broker, redis, tmp_path):
    async with running_api(broker.url, tmp_path, realm="here") as api:
        yield api


@pytest.fixture
def book(redis):
    return AccountBook(redis)


async def passed_on(book):
    _, accounts = await book.read()
    return {account.name: account for account in accounts}


async def test_at_first_there_are_the_published_accounts_with_a_warning(api):
    page = await api.get(PATH)

    assert page["source"] == "seeded"
    assert [(item["name"], item["seeded"], item["usable"]) for item in page["items"]] == [
        ("gateway-monitor", True, True),
        ("gateway-test", True, True),
        ("welcome-gw", True, True),
    ]


async def test_an_account_is_created_and_passed_on_at_once(api, book):
    body = {"password": PASSWORD, "users": ["050", "051"], "transports": ["tls"], "max_calls": 2}

    answer = await api.client.put(f"{PATH}/office", json=body)

    there = await passed_on(book)
    assert answer.status_code == 201
    assert PASSWORD not in answer.text
    assert there.keys() == {"gateway-monitor", "gateway-test", "office", "welcome-gw"}
    assert there["office"].ha1 == {
        algorithm: ha1("office", "here", PASSWORD, algorithm) for algorithm in ("MD5", "SHA-256")
    }
    assert (there["office"].users, there["office"].transports) == (("050", "051"), ("tls",))
    view = await api.get(f"{PATH}/office")
    assert "ha1" not in view
    assert "password" not in view
    assert (view["users"], view["max_calls"], view["seeded"], view["contacts"]) == (["050", "051"], 2, False, 0)


async def test_a_password_is_made_and_shown_once(api, book):
    made = (await api.client.post(PATH, json={"name": "office", "generate_password": True})).json()["password"]

    assert (await passed_on(book))["office"].ha1["MD5"] == ha1("office", "here", made)
    assert made not in (await api.client.get(PATH)).text


async def test_put_replaces_and_patch_changes(api):
    await api.client.put(f"{PATH}/office", json={"password": PASSWORD, "max_calls": 2, "users": ["050"]})

    patched = (await api.client.patch(f"{PATH}/office", json={"users": ["051"]})).json()
    put = await api.client.put(f"{PATH}/office", json={"users": ["052"]})

    assert (patched["max_calls"], patched["users"]) == (2, ["051"])
    assert put.status_code == 200
    assert (put.json()["max_calls"], put.json()["users"]) == (None, ["052"])
    assert put.json()["password_changed_at"] == patched["password_changed_at"]


async def test_an_account_is_deleted(api, book):
    assert (await api.client.delete(f"{PATH}/gateway-test")).status_code == 204

    assert (await passed_on(book)).keys() == {"gateway-monitor", "welcome-gw"}
    assert (await api.client.get(f"{PATH}/gateway-test")).status_code == 404
    assert (await api.client.delete(f"{PATH}/gateway-test")).status_code == 404


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("PUT", "/new", {}, 422),
        ("PUT", "/new", {"password": "short"}, 422),
        ("PUT", "/new", {"password": "tab\tin the middle"}, 422),
        ("PUT", "/new", {"password": PASSWORD, "generate_password": True}, 422),
        ("PUT", "/new", {"pasword": PASSWORD}, 422),
        ("PUT", "/a b", {"password": PASSWORD}, 422),
        ("PUT", "/" + "a" * 129, {"password": PASSWORD}, 422),
        ("PUT", "/new", {"password": PASSWORD, "users": ["a@b"]}, 422),
        ("PUT", "/new", {"password": PASSWORD, "users": [f"{n}" for n in range(101)]}, 422),
        ("PUT", "/new", {"password": PASSWORD, "transports": []}, 422),
        ("PUT", "/new", {"password": PASSWORD, "max_calls": -1}, 422),
        ("PATCH", "/gateway-test", {"users": None}, 422),
        ("PATCH", "/nobody", {"max_calls": 1}, 404),
        ("POST", "", {"name": "gateway-test", "password": PASSWORD}, 409),
        ("POST", "", {"name": "office-phone", "password": "office-phone"}, 422),
        ("POST", "", {"password": PASSWORD}, 422),
    ],
)
async def test_what_cannot_be_is_refused_and_changes_nothing(api, method, path, body, status):
    answer = await api.client.request(method, PATH + path, json=body)

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert str(body.get("password")) not in answer.text
    assert (await api.get(PATH))["source"] == "seeded"


async def test_a_password_of_half_a_character_is_refused(api):
    answer = await api.client.put(
        f"{PATH}/new", content=b'{"password": "\\ud800\\ud800aaaaaaaa"}', headers={"Content-Type": "application/json"}
    )

    assert answer.status_code == 422


async def test_registered_contacts_are_counted(api, bus):
    at = 1_700_000_000.0
    devices = [
        {"aor": f"{user}@x", "contact": f"sip:{user}@192.0.2.1", "source": "192.0.2.1:5060", "transport": "udp"}
        for user in ("gateway-test", "gateway-monitor")
    ]
    events = [
        *(DeviceRegistered(at=at, expires_at=4e9, **device) for device in devices),
        DeviceUnregistered(at=at + 1, **devices[1]),
    ]
    await bus.publish([(REGISTRATIONS, event) for event in events])

    async def one():
        counts = {item["name"]: item["contacts"] for item in (await api.get(PATH))["items"]}
        return counts == {"gateway-monitor": 0, "gateway-test": 1, "welcome-gw": 0}

    await eventually(one)


async def import_table(api, text: str, **params) -> httpx.Response:
    headers = {"Content-Type": "text/csv; charset=utf-8"}
    return await api.client.post(f"{PATH}/import", content=text.encode(), headers=headers, params=params)


async def test_a_table_is_imported(api, book):
    await api.client.put(f"{PATH}/office", json={"password": PASSWORD, "max_calls": 2})

    answer = await import_table(api, "name,password,users\noffice,,050\ngarden,,\nroof,another secret,060\n")

    there = await passed_on(book)
    told = answer.json()
    assert (told["created"], told["changed"]) == (2, 1)
    [made] = told["passwords"]
    assert there["garden"].ha1["MD5"] == ha1("garden", "here", made["password"])
    assert there["roof"].ha1["MD5"] == ha1("roof", "here", "another secret")
    assert there["office"].ha1["MD5"] == ha1("office", "here", PASSWORD)
    assert (there["office"].users, there["office"].max_calls) == (("050",), 2)


async def test_a_dry_run_says_what_would_be_done(api):
    answer = await import_table(api, "name\noffice\ngateway-test\n", dry_run=True)

    assert answer.json() == {"created": 1, "changed": 1, "passwords": []}
    assert (await api.get(PATH))["source"] == "seeded"


async def test_a_table_with_an_error_imports_nothing_and_says_where(api):
    answer = await import_table(api, "name,max_calls\noffice,1\nbad name,1\nroof,many\n")

    problem = answer.json()
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert [error["line"] for error in problem["errors"]] == [3, 4]
    assert problem["detail"].startswith("line 3: name:")
    assert (await api.get(PATH))["source"] == "seeded"


async def test_only_a_table_of_some_size_is_read(api):
    wrong = await api.client.post(f"{PATH}/import", json=[])
    large = await import_table(api, "name\n" + "a" * (5 << 20))

    assert (wrong.status_code, large.status_code) == (415, 413)


async def test_ten_thousand_accounts_are_one_change(api, book):
    answer = await import_table(api, "name\n" + "\n".join(f"phone{n}" for n in range(9_999)))

    assert len(answer.json()["passwords"]) == 9_999
    assert len(await passed_on(book)) == 10_002


async def test_what_redis_loses_is_written_anew(api, redis, book):
    await api.client.put(f"{PATH}/office", json={"password": PASSWORD})
    before = await book.read()

    await redis.flushdb()

    async def back():
        return await book.read() == before

    await eventually(back, timeout_s=3)


async def test_accounts_outlive_a_lost_database(broker, redis, tmp_path, book):
    async with running_api(broker.url, tmp_path / "first", realm="here") as api:
        await api.client.put(f"{PATH}/office", json={"password": PASSWORD})
    before = await book.read()

    async with running_api(broker.url, tmp_path / "second", realm="here") as api:

        async def restored():
            return (await api.get(PATH))["source"] == "managed"

        await eventually(restored, timeout_s=3)
        assert len((await api.get(PATH))["items"]) == 4

    assert await book.read() == before


async def test_without_redis_a_change_is_stored(tmp_path):
    async with running_api("redis://127.0.0.1:1/0", tmp_path) as api:
        answer = await api.client.put(f"{PATH}/office", json={"generate_password": True})

        assert answer.status_code == 201
        assert (await api.get(f"{PATH}/office"))["name"] == "office"


async def test_beside_a_file_nothing_can_be_changed(broker, redis, tmp_path):
    path = tmp_path / "accounts.json"
    path.write_text(json.dumps([{"name": "office", "password": "x"}]))
    async with running_api(broker.url, tmp_path, sip_accounts_file=path) as api:
        answers = [
            await api.client.put(f"{PATH}/office", json={"password": PASSWORD}),
            await api.client.delete(f"{PATH}/office"),
            await import_table(api, "name\noffice\n"),
        ]

        assert {answer.status_code for answer in answers} == {409}
        assert "VQM_SIP_ACCOUNTS_FILE" in answers[0].json()["detail"]
        assert await api.get(PATH) == {"source": "file", "items": []}


async def test_openapi_describes_the_accounts(api):
    schema = await api.get("/api/v1/openapi.json")

    operation = schema["paths"][f"{PATH}/import"]["post"]
    assert "text/csv" in operation["requestBody"]["content"]
    assert "ImportProblem" in schema["components"]["schemas"]
