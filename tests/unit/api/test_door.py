"""What every route of the monitor gets from the door: a change that is made is written down, whatever it is."""

from typing import Any

import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI, HTTPException

from api.door import COOKIE, TARGET_MAX, Admin, audited
from tests.unit.api.people import BY_ADMIN, People


@pytest.fixture
async def asked(people):
    await people.create("admin", "admin")
    await people.create("luca")
    router = APIRouter(dependencies=[Depends(audited, scope="function")])

    @router.get("/things")
    async def things() -> None: ...

    @router.post("/things/{name}", status_code=201)
    async def make(name: str) -> None:
        if name == "taken":
            raise HTTPException(409, "taken")

    @router.get("/secrets")
    async def secrets(_: Admin) -> None: ...

    app = FastAPI()
    app.include_router(router)
    app.state.parts = people

    async def ask(method: str, path: str, username: str | None = "admin", **options: Any) -> int:
        transport = httpx.ASGITransport(app, client=("192.0.2.9", 4711))
        cookies = {COOKIE: await people.sign_in(username)} if username else {}
        async with httpx.AsyncClient(transport=transport, base_url="http://monitor", cookies=cookies) as client:
            return (await client.request(method, path, **options)).status_code

    return ask


async def changes(people: People) -> list[tuple[str | None, ...]]:
    return [(each.actor, each.token, each.address, each.target) for each in await people.entries(action="changed")]


async def test_a_change_is_written_down(people, asked):
    assert await asked("POST", "/things/lamp?at=once") == 201

    assert await changes(people) == [("admin", None, "192.0.2.9", "POST /things/lamp")]


async def test_a_change_by_a_token_is_written_down_with_its_name(people, asked):
    secret, _ = await people.tokens.create("ci", ["write"], None, BY_ADMIN)

    assert await asked("POST", "/things/lamp", None, headers={"Authorization": f"Bearer {secret}"}) == 201

    assert await changes(people) == [("admin", "ci", "192.0.2.9", "POST /things/lamp")]


@pytest.mark.parametrize(
    ("method", "path", "username", "status"),
    [
        ("GET", "/things", "luca", 200),
        ("POST", "/things/taken", "admin", 409),
        ("POST", "/things/lamp", "luca", 403),
        ("POST", "/things/lamp", None, 401),
        ("GET", "/secrets", "admin", 200),
        ("GET", "/secrets", "luca", 403),
    ],
)
async def test_what_changes_nothing_is_not(people, asked, method, path, username, status):
    assert await asked(method, path, username) == status

    assert await changes(people) == []


async def test_an_endless_path_is_cut(people, asked):
    await asked("POST", f"/things/{'x' * 5000}")

    [(*_, target)] = await changes(people)
    assert len(target or "") == TARGET_MAX
