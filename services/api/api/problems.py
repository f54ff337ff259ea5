"""Errors as RFC 9457 problem details, and answers as JSON that is encoded once."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any, TypeVar

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import Field, TypeAdapter
from starlette.exceptions import HTTPException

from api.accounts import AccountsOfFile, NoPassword
from api.store.database import DatabaseUnavailable, Unstorable
from shared.broker import BrokerLost

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Problem:
    """RFC 9457: what went wrong."""

    type: Annotated[str, Field(description="always about:blank: the status says which kind it is")]
    title: str
    status: int
    detail: str


PROBLEM = TypeAdapter(Problem)


class Conflict(Exception):
    """What is asked for does not go with what there is: 409."""


def answers(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For OpenAPI: the problems that a route may answer with."""
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": HTTPStatus(status).phrase, "content": content} for status in statuses}


def encoded(adapter: TypeAdapter[Answer], value: Answer) -> Response:
    """The value as JSON, without FastAPI's slow encoder."""
    return Response(adapter.dump_json(value), media_type="application/json")


def install(app: FastAPI) -> None:
    """Makes every error of the app a problem+json."""
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(Conflict, _conflict)
    app.add_exception_handler(BrokerLost, _broker_lost)
    app.add_exception_handler(DatabaseUnavailable, _database_unavailable)
    app.add_exception_handler(Unstorable, _not_a_value)
    app.add_exception_handler(AccountsOfFile, _accounts_of_file)
    app.add_exception_handler(NoPassword, _no_password)
    app.add_exception_handler(Exception, _bug)


def _problem(status: int, detail: str, headers: dict[str, str] | None = None) -> JSONResponse:
    title = HTTPStatus(status).phrase
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    return JSONResponse(body, status, headers, media_type="application/problem+json")


def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  # how it was registered
    return _problem(error.status_code, str(error.detail), dict(error.headers or {}))


def _invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101  # how it was registered
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    return _problem(HTTPStatus.UNPROCESSABLE_ENTITY, f"{where}: {first['msg']}")


def _conflict(_: Request, error: Exception) -> Response:
    return _problem(HTTPStatus.CONFLICT, str(error))


def _broker_lost(_: Request, __: Exception) -> Response:
    return _problem(HTTPStatus.SERVICE_UNAVAILABLE, "the broker cannot be reached", {"Retry-After": "1"})


def _database_unavailable(_: Request, __: Exception) -> Response:
    return _problem(HTTPStatus.SERVICE_UNAVAILABLE, "the database cannot be used", {"Retry-After": "1"})


def _not_a_value(_: Request, __: Exception) -> Response:
    return _problem(HTTPStatus.UNPROCESSABLE_ENTITY, "a value that nothing stored can have")


def _accounts_of_file(_: Request, __: Exception) -> Response:
    detail = "the accounts are those of VQM_SIP_ACCOUNTS_FILE: change that file, and start the sip-proxy again"
    return _problem(HTTPStatus.CONFLICT, detail)


def _no_password(_: Request, __: Exception) -> Response:
    return _problem(HTTPStatus.UNPROCESSABLE_ENTITY, "a new account needs password, or generate_password: true")


def _bug(_: Request, __: Exception) -> Response:
    return _problem(HTTPStatus.INTERNAL_SERVER_ERROR, "a bug on our side; the log has the details")
