"""Nobody does what his role or his token does not allow: on any route, over the WebSocket, in any way of asking."""

import asyncio
import json
import re
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import httpx
import pytest
import pytest_asyncio

from api.throttle import FAILURES_MAX
from shared.broker import connect
from tests.integration.api_running import PASSWORD, RunningApi, message, running_api, signed_in

pytestmark = [pytest.mark.integration, pytest.mark.asyncio(loop_scope="module")]

GOOD_PASSWORD = "kettle-violin-93-harbour"
NOT_ALLOWED = (401, 403)

# Who may use what: the rule by the method holds for every route that is not named here.
OPEN = {("get", "/healthz"), ("get", "/readyz"), ("post", "/api/v1/session"), ("delete", "/api/v1/session")}
NOTHING = {("get", "/api/v1/nothing"), ("post", "/api/v1/nothing/at/all")}
OF_ANYBODY = {("get", "/api/v1/session"), *NOTHING}
ONES_OWN = ("/api/v1/session/password", "/api/v1/sessions")
OF_ADMINS = ("/api/v1/users", "/api/v1/tokens", "/api/v1/audit")


@dataclass(frozen=True)
class Somebody:
    """Who asks. `token`: the scopes of his; None: he has signed in, if he has a role."""

    role: str | None
    token: tuple[str, ...] | None = None

    def expected(self, method: str, path: str) -> int | None:
        """The status of the refusal, None: he is admitted."""
        if (method, path) in OPEN:
            return None
        if self.role is None:
            return 401
        return None if self._admitted(method, path) else 403

    def _admitted(self, method: str, path: str) -> bool:
        own = {"admin": ("read", "write", "admin", "metrics"), "viewer": ("read", "metrics")}[self.role or ""]
        scopes = [scope for scope in own if self.token is None or scope in self.token]
        if (method, path) in OF_ANYBODY:
            return True
        if path == "/metrics":
            return "metrics" in scopes or "read" in scopes
        if path.startswith(ONES_OWN):
            return self.token is None or ("read" if method == "get" else "admin") in scopes
        if path.startswith(OF_ADMINS):
            return self.role == "admin" and ("read" if method == "get" else "admin") in scopes
        return ("read" if method == "get" else "write") in scopes


EVERYBODY = [
    Somebody(None),
    Somebody("viewer"),
    Somebody("admin"),
    *(Somebody("admin", (scope,)) for scope in ("read", "write", "admin", "metrics")),
    Somebody("admin", ("read", "write", "admin", "metrics")),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def service(broker, tmp_path_factory):
    client = connect(broker.url)
    await client.flushdb()
    await client.aclose()
    folder = tmp_path_factory.mktemp("api")
    async with running_api(broker.url, folder, metrics_networks="192.0.2.0/24") as running:
        answer = await running.client.post(
            "/api/v1/users", json={"username": "viewer", "role": "viewer", "password": GOOD_PASSWORD}
        )
        assert answer.status_code == 201
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def api(service):
    async with signed_in(service.port) as client:
        yield client


@pytest_asyncio.fixture(loop_scope="module")
async def viewer(service):
    async with signed_in(service.port, username="viewer", password=GOOD_PASSWORD) as client:
        yield client


async def new_token(api: RunningApi, *scopes: str, **more: object) -> dict[str, str]:
    """A new token of the administrator."""
    names = {token["name"] for token in (await api.get("/api/v1/tokens"))["items"]}
    body = {"name": f"token {len(names)} {' '.join(scopes)}", "scopes": scopes, **more}
    answer = await api.client.post("/api/v1/tokens", json=body)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


@asynccontextmanager
async def program(api: RunningApi, token: str):
    """A client with this token and no cookie."""
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=api.client.base_url, headers=headers, trust_env=False) as client:
        yield client


@asynccontextmanager
async def client_of(somebody: Somebody, api: RunningApi):
    if somebody.token is not None:
        async with program(api, (await new_token(api, *somebody.token))["token"]) as client:
            yield client
        return
    password = {"admin": PASSWORD, "viewer": GOOD_PASSWORD}.get(somebody.role or "")
    async with signed_in(api.port, username=somebody.role or "", password=password) as own:
        yield own.client


@pytest.mark.parametrize("somebody", EVERYBODY, ids=str)
async def test_every_route_asks_who_it_is_and_what_he_may(api, somebody):
    paths = (await api.get("/api/v1/openapi.json"))["paths"]
    operations = [(method, path) for path, methods in paths.items() for method in methods]
    operations += [("get", "/api/v1/openapi.json"), *NOTHING]
    wrong = []

    async with client_of(somebody, api) as client:
        for method, path in operations:
            if (method, path) == ("delete", "/api/v1/session"):
                continue  # it is open, and would end the very session
            answer = await client.request(method, re.sub(r"\{\w+\}", "x", path))
            refused = answer.status_code if answer.status_code in NOT_ALLOWED else None
            expected = somebody.expected(method, path)
            if (method, path) == ("post", "/api/v1/nothing/at/all") and somebody.role is not None:
                expected = None  # there is nothing to be refused
            if refused != expected or answer.status_code == 500:
                wrong.append((method, path, answer.status_code, expected))

    assert len(operations) > 20
    assert wrong == []


@pytest.mark.parametrize(
    ("scope", "close_code"), [("read", None), ("write", 4403), ("admin", 4403), ("metrics", 4403), (None, 4401)]
)
async def test_the_websocket_asks_the_same(api, scope, close_code):
    token = (await new_token(api, scope))["token"] if scope else "vqm_made-up"

    async with api.websocket(cookie="", token=token) as websocket:
        if close_code is None:
            assert await message(websocket, "snapshot")
        else:
            await websocket.wait_closed()
            assert websocket.close_code == close_code


async def test_a_viewer_has_what_is_his_own(viewer):
    assert (await viewer.client.delete("/api/v1/sessions")).status_code == 204
    sessions = (await viewer.get("/api/v1/sessions"))["items"]

    assert [(each["current"], each["address"]) for each in sessions] == [(True, "127.0.0.1")]
    refused = await viewer.client.put(
        "/api/v1/session/password", json={"current_password": "wrong", "new_password": GOOD_PASSWORD}
    )
    assert (refused.status_code, refused.json()["detail"]) == (403, "the current password is wrong")


async def test_a_new_password_ends_the_other_sessions(api):
    await api.client.post("/api/v1/users", json={"username": "marta", "role": "viewer", "password": GOOD_PASSWORD})
    async with AsyncExitStack() as stack:
        old, current = [
            await stack.enter_async_context(signed_in(api.port, username="marta", password=GOOD_PASSWORD))
            for _ in range(2)
        ]
        change = {"current_password": GOOD_PASSWORD, "new_password": "another good one"}

        assert (await current.client.put("/api/v1/session/password", json=change)).status_code == 204

        assert (await current.client.get("/api/v1/session")).json() == {"username": "marta", "role": "viewer"}
        assert (await old.client.get("/api/v1/session")).status_code == 401


async def test_a_user_is_made_changed_and_removed(api):
    new = {"username": "luca", "role": "viewer", "password": GOOD_PASSWORD}
    created = await api.client.post("/api/v1/users", json=new)
    again = await api.client.post("/api/v1/users", json=new)
    changed = await api.client.patch("/api/v1/users/luca", json={"role": "admin", "disabled": True})
    removed = [(await api.client.delete("/api/v1/users/luca")).status_code for _ in range(2)]

    assert created.status_code == 201
    assert created.json() | {"created_at": None} == {
        "username": "luca",
        "role": "viewer",
        "disabled": False,
        "created_at": None,
        "signed_in_at": None,
    }
    assert again.status_code == 409
    assert (changed.json()["role"], changed.json()["disabled"]) == ("admin", True)
    assert removed == [204, 404]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("users", {"username": "Luca", "role": "viewer", "password": GOOD_PASSWORD}),
        ("users", {"username": "luca\ud800", "role": "viewer", "password": GOOD_PASSWORD}),
        ("users", {"username": "luca", "role": "root", "password": GOOD_PASSWORD}),
        ("users", {"username": "luca", "role": "viewer", "password": "short"}),
        ("tokens", {"name": "ci", "scopes": []}),
        ("tokens", {"name": "ci", "scopes": ["all"]}),
        ("tokens", {"name": "a\nb", "scopes": ["read"]}),
        ("tokens", {"name": "ci", "scopes": ["read"], "expires_at": "2001-01-01T00:00:00Z"}),
        ("tokens", {"name": "ci", "scopes": ["read"], "expires_at": "9999-99-99"}),
        ("session", {"username": "admin\ud800", "password": "x"}),
    ],
)
async def test_what_makes_no_sense_is_422(api, path, body):
    answer = await api.client.post(f"/api/v1/{path}", content=json.dumps(body))

    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"


async def test_the_administrator_of_the_settings_is_changed_there_alone(api):
    answer = await api.client.patch("/api/v1/users/admin", json={"role": "viewer"})

    assert answer.status_code == 409
    assert "VQM_ADMIN_PASSWORD" in answer.json()["detail"]


async def test_a_token_is_told_once_shows_its_use_and_ends(api):
    soon = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    created = await new_token(api, "read", expires_at=soon)
    secret = created.pop("token")
    async with program(api, secret) as client:
        assert (await client.get("/api/v1/calls")).status_code == 200
        [listed] = [each for each in (await api.get("/api/v1/tokens"))["items"] if each["id"] == created["id"]]

        assert (await api.client.delete(f"/api/v1/tokens/{created['id']}")).status_code == 204

        refused = await client.get("/api/v1/calls")
    assert created["last_used_at"] is None
    assert listed["last_used_at"] > listed["created_at"]
    assert secret not in str(listed)
    assert (refused.status_code, refused.headers["www-authenticate"][:6]) == (401, "Bearer")


async def test_a_wrong_token_is_refused_though_a_good_cookie_is_with_it(api):
    answer = await api.client.get("/api/v1/session", headers={"Authorization": "bearer vqm_made-up"})

    assert answer.status_code == 401


async def test_credentials_for_somebody_else_on_the_way_are_ignored(api):
    answer = await api.client.get("/api/v1/session", headers={"Authorization": "Basic YTpi"})

    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "http://evil.example"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 204),
        ({"Sec-Fetch-Site": "none"}, 204),
        ({}, 204),
    ],
)
async def test_a_browser_that_says_who_asks_is_believed(viewer, headers, status):
    assert (await viewer.client.delete("/api/v1/sessions", headers=headers)).status_code == status


async def test_a_page_of_another_site_may_show_what_it_has_a_token_for(api):
    token = (await new_token(api, "read", "admin"))["token"]
    foreign = {"Sec-Fetch-Site": "cross-site", "Origin": "http://wallboard.example"}

    async with program(api, token) as client:
        assert (await client.delete("/api/v1/sessions", headers=foreign)).status_code == 204
    async with api.websocket(cookie="", token=token, origin="http://wallboard.example") as websocket:
        assert await message(websocket, "snapshot")


async def test_the_audit_log_says_who_did_what_from_where(api, viewer):
    token = await new_token(api, "admin", "read")
    async with program(api, token["token"]) as client:
        await client.post("/api/v1/users", json={"username": "eva", "role": "viewer", "password": GOOD_PASSWORD})
        first = (await client.get("/api/v1/audit", params={"limit": 1})).json()
        second = (await client.get("/api/v1/audit", params={"limit": 1, "cursor": first["next_cursor"]})).json()

    entry = first["items"][0]
    assert entry.pop("at") > second["items"][0]["at"]
    assert entry == {
        "action": "user_created",
        "actor": "admin",
        "token": token["name"],
        "address": "127.0.0.1",
        "target": "eva",
        "detail": "role=viewer",
    }
    assert second["items"][0]["action"] == "token_created"
    mine = (await api.get("/api/v1/audit", actor="viewer", action="signed_in", limit=500))["items"]
    assert {each["actor"] for each in mine} == {"viewer"}


async def test_guesses_at_a_user_end_and_he_still_comes_in_where_he_has_been(api):
    await api.client.post("/api/v1/users", json={"username": "nora", "role": "viewer", "password": GOOD_PASSWORD})

    async def sign_in(host: str, password: str, username: str = "nora") -> httpx.Response:
        transport = httpx.AsyncHTTPTransport(local_address=host)
        async with httpx.AsyncClient(base_url=api.client.base_url, transport=transport, trust_env=False) as client:
            return await client.post("/api/v1/session", json={"username": username, "password": password}, timeout=20)

    assert (await sign_in("127.0.1.1", GOOD_PASSWORD)).status_code == 200

    guesses = await asyncio.gather(*(sign_in(f"127.0.2.{number}", "guess") for number in range(FAILURES_MAX)))

    assert {guess.status_code for guess in guesses} == {401}
    late = await sign_in("127.0.3.1", GOOD_PASSWORD)
    assert late.status_code == 429
    assert 0 < int(late.headers["retry-after"]) <= 300
    assert (await sign_in("127.0.1.1", GOOD_PASSWORD)).status_code == 200
    assert (await sign_in("127.0.3.1", GOOD_PASSWORD, "viewer")).status_code == 200


async def test_the_description_says_of_every_route_how_one_signs_in(api):
    description = await api.get("/api/v1/openapi.json")
    ways: list[dict[str, list[str]]] = [{"session": []}, {"token": []}]

    operations = {
        (method, path): operation
        for path, methods in description["paths"].items()
        for method, operation in methods.items()
        if path.startswith("/api/") and (method, path) not in OPEN
    }

    assert [key for key, operation in operations.items() if operation.get("security") != ways] == []
    assert [key for key, operation in operations.items() if "401" not in operation["responses"]] == []
    assert description["components"]["securitySchemes"]["session"] | {"description": ""} == {
        "type": "apiKey",
        "in": "cookie",
        "name": "vqm_session",
        "description": "",
    }
    assert description["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
