"""Users: for administrators."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from api.access import Role
from api.door import AccessAdmin, OriginOf
from api.parts import PartsOf
from api.passwords import STRONG, USERNAME_PATTERN, weakness
from api.problems import answers
from api.shapes import Time
from api.store.access import User
from api.users import UserChange

router = APIRouter(prefix="/users", tags=["access"])

Username = Annotated[str, Path(max_length=64, examples=["marta"])]


class NewUser(BaseModel):
    """Somebody who shall be able to sign in."""

    username: str = Field(pattern=USERNAME_PATTERN, examples=["marta"])
    role: Role = Field(description="a viewer reads; an administrator may do all", examples=["viewer"])
    password: str = Field(max_length=1024, description=STRONG, examples=["kettle-violin-93-harbour"])


class ChangedUser(BaseModel):
    """What is to be different; what is left out stays as it is."""

    role: Role | None = Field(default=None, examples=["admin"])
    disabled: bool | None = Field(default=None, description="cannot sign in, and his tokens do not work")
    password: str | None = Field(default=None, max_length=1024, description=STRONG)


@dataclass(frozen=True, slots=True)
class UserView:
    """A user."""

    username: str
    role: Role
    disabled: bool
    created_at: Time
    signed_in_at: Annotated[Time | None, Field(description="most recently; null: never")]


@dataclass(frozen=True, slots=True)
class UserList:
    """All users by name."""

    items: list[UserView]


@router.get("", summary="Users", responses=answers(401, 403))
async def list_users(_: AccessAdmin, parts: PartsOf) -> UserList:
    """Administrators only."""
    return UserList([_view(user) for user in await parts.users.all()])


@router.post("", status_code=201, summary="Create a user", responses=answers(401, 403, 409, 422))
async def create_user(new: NewUser, _: AccessAdmin, origin: OriginOf, parts: PartsOf) -> UserView:
    """Administrators only. 409: there is one of this name."""
    _demand_strength(new.username, new.password)
    return _view(await parts.users.create(new.username, new.role, new.password, origin))


@router.patch("/{username}", summary="Change a user", responses=answers(401, 403, 404, 409, 422))
async def change_user(
    username: Username, change: ChangedUser, _: AccessAdmin, origin: OriginOf, parts: PartsOf
) -> UserView:
    """Administrators only. A new password, or being disabled, ends the user's sessions. 409: he is the last
    administrator, or `VQM_ADMIN_PASSWORD` decides on him."""
    if change.password is not None:
        _demand_strength(username, change.password)
    changed = await parts.users.change(username, UserChange(change.role, change.disabled, change.password), origin)
    if changed is None:
        raise HTTPException(404, "no such user")
    return _view(changed)


@router.delete("/{username}", status_code=204, summary="Delete a user", responses=answers(401, 403, 404, 409))
async def delete_user(username: Username, _: AccessAdmin, origin: OriginOf, parts: PartsOf) -> None:
    """Administrators only. His sessions and tokens end. 409: he is the last administrator, or `VQM_ADMIN_PASSWORD`
    decides on him."""
    if not await parts.users.remove(username, origin):
        raise HTTPException(404, "no such user")


@router.delete("/{username}/sessions", status_code=204, summary="Sign a user out", responses=answers(401, 403))
async def end_sessions(username: Username, _: AccessAdmin, origin: OriginOf, parts: PartsOf) -> None:
    """Administrators only. Ends all his sessions; his tokens go on."""
    await parts.auth.end_sessions(username, origin)


def _demand_strength(username: str, password: str) -> None:
    weak = weakness(username, password)
    if weak is not None:
        raise HTTPException(422, weak)


def _view(user: User) -> UserView:
    return UserView(user.username, user.role, user.disabled, user.created_at, user.signed_in_at)
