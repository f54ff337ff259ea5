"""Nobody comes in who should not, and no page of another site can act for somebody who may."""

import pytest
import pytest_asyncio
from websockets.exceptions import InvalidStatus

from shared.broker import connect
from tests.integration.api_running import PASSWORD, message, running_api, signed_in

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def service(broker, tmp_path_factory):
    client = connect(broker.url)
    await client.flushdb()
    await client.aclose()
    folder = tmp_path_factory.mktemp("api")
    async with running_api(broker.url, folder, web_dir=folder / "dist") as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def api(service):
    async with signed_in(service.port) as client:
        yield client


@pytest_asyncio.fixture(loop_scope="module")
async def stranger(service):
    async with signed_in(service.port, password=None) as client:
        yield client


@pytest.mark.parametrize(
    "path",
    [
        "calls",
        "calls/x",
        "calls/x/slices",
        "calls/x/messages",
        "registrations",
        "workers",
        "services",
        "security-events",
        "session",
        "openapi.json",
    ],
)
async def test_rest_is_closed_to_strangers(stranger, path):
    answer = await stranger.client.get(f"/api/v1/{path}")

    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"


async def test_every_documented_route_is_closed_to_strangers(api):
    paths = (await api.get("/api/v1/openapi.json"))["paths"]
    api.client.cookies.clear()

    closed = [path for path in paths if path.startswith("/api/") and not path.endswith("/session")]
    answers = [(await api.client.get(path)).status_code for path in closed]

    assert closed
    assert set(answers) == {401}


async def test_the_websocket_is_closed_to_strangers(stranger):
    async with stranger.websocket() as websocket:
        await websocket.wait_closed()

    assert websocket.close_code == 4401


async def test_a_made_up_cookie_opens_nothing(api):
    async with api.websocket(cookie="made-up") as websocket:
        await websocket.wait_closed()
    api.client.cookies.set("vqm_session", "made-up")

    assert websocket.close_code == 4401
    assert (await api.client.get("/api/v1/calls")).status_code == 401


async def test_liveness_and_the_pages_are_open(stranger):
    assert (await stranger.client.get("/healthz")).json() == {"ok": True}
    assert "make web" in (await stranger.client.get("/")).text


async def test_the_cookie_cannot_be_read_by_scripts_or_sent_by_other_sites(stranger):
    answer = await stranger.client.post("/api/v1/session", json={"username": "admin", "password": PASSWORD})

    assert answer.json() == {"username": "admin", "role": "admin"}
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie


async def test_a_wrong_password_is_refused(stranger):
    answer = await stranger.client.post("/api/v1/session", json={"username": "admin", "password": "wrong"})

    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers


async def test_signing_out_ends_the_session(api):
    token = api.client.cookies["vqm_session"]

    assert (await api.client.delete("/api/v1/session")).status_code == 204

    api.client.cookies.set("vqm_session", token)
    assert (await api.client.get("/api/v1/session")).status_code == 401


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1"])
async def test_a_foreign_origin_is_refused(api, origin):
    answer = await api.client.delete("/api/v1/session", headers={"Origin": origin})

    assert answer.status_code == 403
    with pytest.raises(InvalidStatus) as refused:
        async with api.websocket(origin=origin):
            pass
    assert refused.value.response.status_code == 403
    assert (await api.client.get("/api/v1/session")).status_code == 200


async def test_our_own_origin_is_welcome(api):
    origin = f"http://127.0.0.1:{api.port}"

    async with api.websocket(origin=origin) as websocket:
        assert (await message(websocket, "snapshot"))["calls"] == []
    assert (await api.client.delete("/api/v1/session", headers={"Origin": origin})).status_code == 204


@pytest.mark.parametrize("path", ["/", "/healthz", "/api/v1/calls", "/api/v1/nothing", "/nothing"])
async def test_every_answer_has_the_security_headers(api, path):
    headers = (await api.client.get(path)).headers

    assert headers["content-security-policy"].startswith("default-src 'self'")
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert "server" not in headers


async def test_the_pages_are_served_and_their_hashed_files_are_kept_for_ever(broker, tmp_path):
    (tmp_path / "dist" / "assets").mkdir(parents=True)
    (tmp_path / "dist" / "index.html").write_text("<title>built</title>")
    (tmp_path / "dist" / "assets" / "index-abc123.js").write_text("let x")

    async with running_api(broker.url, tmp_path, password=None) as stranger:
        index = await stranger.client.get("/")
        script = await stranger.client.get("/assets/index-abc123.js")
        outside = [await stranger.client.get(path) for path in ("/%2e%2e/vqm.sqlite3", "/assets/..%2f..%2fvqm.sqlite3")]

    assert index.text == "<title>built</title>"
    assert index.headers["cache-control"] == "no-cache"
    assert "immutable" in script.headers["cache-control"]
    assert [answer.status_code for answer in outside] == [404, 404]


async def test_the_first_password_is_found_in_the_data_directory(broker, tmp_path):
    async with running_api(broker.url, tmp_path, password=None, admin_password=None) as stranger:
        file = tmp_path / "first-admin-password"
        assert file.stat().st_mode & 0o777 == 0o600

        await stranger.sign_in(file.read_text().strip())

        assert not file.exists()
