"""The audit log: for administrators."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import AwareDatetime, BaseModel, Field, TypeAdapter

from api.door import AccessAdmin
from api.parts import PartsOf
from api.problems import answers, encoded
from api.shapes import Time
from api.store.access import Action, AuditFilter, Entry

router = APIRouter(prefix="/audit", tags=["access"])


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Something that somebody did."""

    at: Time
    action: Annotated[Action, Field(description="changed: to anything but users, sessions and tokens")]
    actor: Annotated[str | None, Field(description="the user; null: the system itself, or a name that nobody has")]
    token: Annotated[str | None, Field(description="the name of the token that was used; null: none was")]
    address: Annotated[str | None, Field(description="from where; null: the system itself")]
    target: Annotated[str | None, Field(description="the user, the token, or the method and path")]
    detail: Annotated[str | None, Field(description="what is different now")]


@dataclass(frozen=True, slots=True)
class AuditPage:
    """Some entries, newest first."""

    items: list[AuditEntry]
    next_cursor: Annotated[str | None, Field(description="give it back as `cursor` for the next page; null: the end")]


class AuditQuery(BaseModel):
    """How the log is narrowed down."""

    actor: str | None = Field(default=None, max_length=64)
    action: Action | None = None
    since: AwareDatetime | None = Field(default=None, description="at this moment or later (RFC 3339)")
    until: AwareDatetime | None = Field(default=None, description="before this moment (RFC 3339)")
    limit: int = Field(default=50, ge=1, le=500)
    cursor: str | None = Field(default=None, pattern="^[0-9]{1,18}$", description="`next_cursor` of the page before")


_PAGE = TypeAdapter(AuditPage)


@router.get("", summary="Audit log", response_model=AuditPage, responses=answers(401, 403, 422))
async def list_audit(query: Annotated[AuditQuery, Query()], _: AccessAdmin, parts: PartsOf) -> Response:
    """Administrators only. Sign-ins, failed ones, and every change that was made over REST. Kept for
    `VQM_KEEP_AUDIT_DAYS`; of failed sign-ins, the newest 10 000."""
    wanted = AuditFilter(
        query.actor,
        query.action,
        query.since.timestamp() if query.since else None,
        query.until.timestamp() if query.until else None,
    )
    before = int(query.cursor) if query.cursor else None
    found = await parts.audit.page(wanted, query.limit + 1, before)
    shown = found[: query.limit]
    cursor = str(shown[-1][0]) if len(found) > query.limit else None
    return encoded(_PAGE, AuditPage([_view(entry) for _, entry in shown], cursor))


def _view(entry: Entry) -> AuditEntry:
    return AuditEntry(entry.at, entry.action, entry.actor, entry.token, entry.address, entry.target, entry.detail)
