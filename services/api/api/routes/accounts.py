"""SIP accounts: who may register and call. What changes here is effective in every sip-proxy within a second."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import Field, TypeAdapter
from starlette.exceptions import HTTPException

from api.account_bodies import NAME_PATTERN, AccountBody, NewAccount
from api.account_csv import LineError, read_table
from api.accounts import Source, Wish, new_password
from api.door import Admin
from api.parts import Parts, PartsOf
from api.problems import Problem, answers, encoded
from api.shapes import Time
from api.store.accounts import StoredAccount
from shared.events import Transport

TABLE_MAX_BYTES = 4 << 20

router = APIRouter(prefix="/accounts", tags=["accounts"])


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountView:
    """A SIP account. Its password is nowhere: what is kept of it is HA1 (RFC 7616 3.4.2)."""

    name: Annotated[str, Field(description="digest user name")]
    users: Annotated[tuple[str, ...], Field(description="of the addresses of record that it may register")]
    transports: tuple[Transport, ...]
    max_calls: Annotated[int | None, Field(description="at once, as the caller; null: any number")]
    max_calls_per_day: Annotated[int | None, Field(description="a day of UTC; null: any number")]
    allowed_prefixes: Annotated[tuple[str, ...], Field(description="of numbers that are no user or extension here")]
    seeded: Annotated[bool, Field(description="its password is a published one: everybody knows it, change it")]
    usable: Annotated[
        bool,
        Field(description="false: it needs a new password, as VQM_REALM is another now or published ones are refused"),
    ]
    contacts: Annotated[int, Field(description="devices that are registered for its users now")]
    created_at: Time
    changed_at: Time
    password_changed_at: Time


@dataclass(frozen=True, slots=True)
class AccountPage:
    """All accounts by name."""

    source: Annotated[
        Source,
        Field(description="file: those of VQM_SIP_ACCOUNTS_FILE, unknown here; seeded: nobody has changed any yet"),
    ]
    items: list[AccountView]


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenAccount(AccountView):
    """An account as it is now."""

    password: Annotated[
        str | None, Field(description="that was made for it: it is shown this once; null: none was made")
    ] = None


@dataclass(frozen=True, slots=True)
class MadePassword:
    """A password that was made for a new account: it is shown this once."""

    name: str
    password: str


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did, or would do."""

    created: int
    changed: int
    passwords: Annotated[list[MadePassword], Field(description="of new accounts without one in the table")]


@dataclass(frozen=True, slots=True)
class ImportProblem(Problem):
    """Why nothing was imported."""

    errors: Annotated[list[LineError], Field(description="by line, the first hundred")]


_PAGE, _ACCOUNT, _WRITTEN = TypeAdapter(AccountPage), TypeAdapter(AccountView), TypeAdapter(WrittenAccount)
_IMPORTED, IMPORT_PROBLEM = TypeAdapter(Imported), TypeAdapter(ImportProblem)
NameOf = Annotated[str, Path(pattern=NAME_PATTERN, max_length=128, examples=["office"])]
TABLE = {
    "required": True,
    "content": {
        "text/csv": {
            "schema": {"type": "string"},
            "example": 'name,password,users,max_calls\noffice,,"050 051",2\ngarden,a secret of its own,,\n',
        }
    },
}


@router.get("", summary="Accounts", response_model=AccountPage, responses=answers(401, 503))
async def list_accounts(parts: PartsOf) -> Response:
    """All of them, with what they may do and how many devices they have."""
    source, found = await parts.accounts.every()
    contacts = await parts.accounts.registered_contacts(found)
    return encoded(_PAGE, AccountPage(source, [AccountView(**_view(parts, each, contacts)) for each in found]))


@router.get("/{name}", summary="One account", response_model=AccountView, responses=answers(401, 404, 422, 503))
async def get_account(name: NameOf, parts: PartsOf) -> Response:
    """What it may do, and how many devices it has."""
    found = await _find(parts, name)
    return encoded(_ACCOUNT, AccountView(**_view(parts, found, await parts.accounts.registered_contacts([found]))))


@router.post(
    "",
    status_code=201,
    summary="Create an account",
    response_model=WrittenAccount,
    responses=answers(401, 403, 409, 422, 503),
)
async def create_account(body: NewAccount, parts: PartsOf, _: Admin) -> Response:
    """A new account; 409 when there is one of this name."""
    if await parts.accounts.find(body.name) is not None:
        raise HTTPException(409, f"there is an account {body.name} already")
    return await _written(parts, body.name, body, body.rights())


@router.put(
    "/{name}",
    summary="Create or replace an account",
    response_model=WrittenAccount,
    responses=answers(401, 403, 409, 422, 503),
)
async def put_account(name: NameOf, body: AccountBody, parts: PartsOf, _: Admin) -> Response:
    """Whatever is not said of it becomes the default; without a password it keeps its own. A new password, or a user
    less, ends what was registered with it at once; calls go on."""
    return await _written(parts, name, body, body.rights())


@router.patch(
    "/{name}",
    summary="Change an account",
    response_model=WrittenAccount,
    responses=answers(401, 403, 404, 409, 422, 503),
)
async def change_account(name: NameOf, body: AccountBody, parts: PartsOf, _: Admin) -> Response:
    """Whatever is not said of it stays as it is."""
    await _find(parts, name)
    return await _written(parts, name, body, body.rights_said())


@router.delete(
    "/{name}",
    status_code=204,
    summary="Delete an account",
    responses=answers(401, 403, 404, 409, 422, 503),
)
async def delete_account(name: NameOf, parts: PartsOf, _: Admin) -> None:
    """Its devices are unregistered at once and cannot come back; calls go on."""
    if not await parts.accounts.drop(name):
        raise HTTPException(404, "no such account")


@router.post(
    "/import",
    summary="Create or change accounts from a table",
    response_model=Imported,
    responses={
        **answers(401, 403, 409, 413, 415, 503),
        422: {
            "description": "Nothing was imported",
            "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/ImportProblem"}}},
        },
    },
    openapi_extra={"requestBody": TABLE},
    max_body_size=TABLE_MAX_BYTES,
)
async def import_accounts(
    request: Request,
    parts: PartsOf,
    _: Admin,
    dry_run: Annotated[bool, Query(description="only say what would be done")] = False,
) -> Response:
    """All lines or none. Columns that are not there, and empty fields, leave existing accounts as they are; a new
    account without a password gets one, which is in the answer, once."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "text/csv":
        raise HTTPException(415, "the body is a table: Content-Type: text/csv")
    table = read_table(await request.body())
    if table.errors:
        return _not_imported(table.errors)
    known = (await parts.accounts.every())[1]
    names = {each.account.name for each in known}
    made = {body.name: new_password() for _, body in table.accounts if body.password is None and body.name not in names}
    wishes = [Wish(body.name, body.password or made.get(body.name), body.rights_said()) for _, body in table.accounts]
    outcomes = await parts.accounts.put_all(wishes, dry_run=dry_run)
    created = sum(outcome.created for outcome in outcomes)
    passwords = [] if dry_run else [MadePassword(*item) for item in made.items()]
    return encoded(_IMPORTED, Imported(created, len(outcomes) - created, passwords))


async def _find(parts: Parts, name: str) -> StoredAccount:
    found = await parts.accounts.find(name)
    if found is None:
        raise HTTPException(404, "no such account")
    return found


async def _written(parts: Parts, name: str, body: AccountBody, rights: dict[str, Any]) -> Response:
    made = new_password() if body.generate_password else None
    outcome = await parts.accounts.put(Wish(name, made or body.password, rights))
    contacts = await parts.accounts.registered_contacts([outcome.stored])
    answer = encoded(_WRITTEN, WrittenAccount(**_view(parts, outcome.stored, contacts), password=made))
    answer.status_code = 201 if outcome.created else 200
    return answer


def _view(parts: Parts, stored: StoredAccount, contacts: dict[str, int]) -> dict[str, Any]:
    account = stored.account
    return {
        "name": account.name,
        "users": account.owned_users,
        "transports": account.transports,
        "max_calls": account.max_calls,
        "max_calls_per_day": account.max_calls_per_day,
        "allowed_prefixes": account.allowed_prefixes,
        "seeded": account.has_published_password,
        "usable": parts.accounts.is_usable(account),
        "contacts": contacts[account.name],
        "created_at": stored.created_at,
        "changed_at": stored.changed_at,
        "password_changed_at": stored.password_changed_at,
    }


def _not_imported(errors: Iterable[LineError]) -> Response:
    told = list(errors)
    detail = f"line {told[0].line}: {told[0].detail}; nothing was imported"
    problem = ImportProblem("about:blank", "Unprocessable Entity", 422, detail, told)
    return Response(IMPORT_PROBLEM.dump_json(problem), 422, media_type="application/problem+json")
