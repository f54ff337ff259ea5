"""API tokens: for administrators."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import AwareDatetime, BaseModel, Field
from starlette.exceptions import HTTPException

from api.access import Scope
from api.door import AccessAdmin, OriginOf
from api.parts import PartsOf
from api.problems import answers
from api.shapes import Time
from api.store.access import Token

router = APIRouter(prefix="/tokens", tags=["access"])

SCOPES = (
    "read: safe methods and /ws; write: all other methods; admin: changes to users and tokens; metrics: only /metrics, "
    "which read allows as well"
)


class NewToken(BaseModel):
    """What a program shall be able to do."""

    name: str = Field(pattern=r"^[^\x00-\x1f\x7f]{1,64}$", description="tells it from others", examples=["prometheus"])
    scopes: list[Scope] = Field(min_length=1, max_length=4, description=SCOPES, examples=[["read"]])
    expires_at: AwareDatetime | None = Field(
        default=None, description="RFC 3339; null: never", examples=["2027-01-31T12:00:00Z"]
    )


@dataclass(frozen=True, slots=True)
class TokenView:
    """A token, without its secret."""

    id: str
    name: str
    hint: Annotated[str, Field(description="how the secret begins")]
    username: Annotated[str, Field(description="who made it; it never does more than he may")]
    scopes: Annotated[tuple[Scope, ...], Field(description=SCOPES)]
    created_at: Time
    expires_at: Annotated[Time | None, Field(description="null: never")]
    last_used_at: Annotated[Time | None, Field(description="null: never")]


@dataclass(frozen=True, slots=True)
class CreatedToken(TokenView):
    """A new token with its secret."""

    token: Annotated[str, Field(description="the secret; this is the only time that it is told", examples=["vqm_…"])]


@dataclass(frozen=True, slots=True)
class TokenList:
    """All tokens, newest first."""

    items: list[TokenView]


@router.get("", summary="API tokens", responses=answers(401, 403))
async def list_tokens(_: AccessAdmin, parts: PartsOf) -> TokenList:
    """Administrators only. Those that have expired are among them until they are revoked."""
    return TokenList([TokenView(*_fields(token)) for token in await parts.tokens.all()])


@router.post("", status_code=201, summary="Create an API token", responses=answers(401, 403, 409, 422))
async def create_token(new: NewToken, _: AccessAdmin, origin: OriginOf, parts: PartsOf) -> CreatedToken:
    """Administrators only. The answer has the secret, which only its program should know. 409: there is one of this
    name."""
    expires_at = new.expires_at.timestamp() if new.expires_at else None
    if expires_at is not None and expires_at <= parts.now():
        raise HTTPException(422, "expires_at: this is over already")
    secret, token = await parts.tokens.create(new.name, new.scopes, expires_at, origin)
    return CreatedToken(*_fields(token), secret)


@router.delete("/{token}", status_code=204, summary="Revoke an API token", responses=answers(401, 403, 404))
async def revoke_token(
    token: Annotated[str, Path(max_length=64)], _: AccessAdmin, origin: OriginOf, parts: PartsOf
) -> None:
    """Administrators only. By its id; it does not work any more."""
    if not await parts.tokens.revoke(token, origin):
        raise HTTPException(404, "no such token")


def _fields(token: Token) -> tuple[str, str, str, str, tuple[Scope, ...], float, float | None, float | None]:
    return (
        token.token_id,
        token.name,
        token.hint,
        token.username,
        token.scopes,
        token.created_at,
        token.expires_at,
        token.last_used_at,
    )
