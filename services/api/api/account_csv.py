"""SIP accounts from a table as spreadsheets save it (RFC 4180, also with semicolons). Pure: text in, accounts out."""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from api.account_bodies import NewAccount

LINES_MAX = 10_000
ERRORS_TOLD = 100
LISTS = frozenset({"users", "transports", "allowed_prefixes"})
COLUMNS = ("name", "password", "users", "transports", "max_calls", "max_calls_per_day", "allowed_prefixes")


@dataclass(frozen=True, slots=True)
class LineError:
    """Why a line cannot be taken."""

    line: int
    detail: str


@dataclass(frozen=True, slots=True)
class Table:
    """What a file says: each account with its line, in order; or why not."""

    accounts: tuple[tuple[int, NewAccount], ...]
    errors: tuple[LineError, ...]


class _Broken(Exception):
    """From here on there is no telling fields apart."""

    def __init__(self, line: int, why: str) -> None:
        super().__init__(why)
        self.line = line


def read_table(octets: bytes) -> Table:
    """Reads UTF-8 with or without a byte order mark. Its first line names the columns: `name` and any of the others; an
    empty field is as good as none. Lists are separated by blanks, or by commas or semicolons inside of quotes."""
    try:
        text = octets.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return _refused(1 + octets.count(b"\n", 0, error.start), "this is no UTF-8: save the table as CSV UTF-8")
    separator = ";" if ";" in text.partition("\n")[0] else ","
    try:
        return _read(_lines(csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)))
    except _Broken as broken:
        return _refused(broken.line, str(broken))


def _read(lines: Iterator[tuple[int, list[str]]]) -> Table:
    _, header = next(lines, (1, []))
    columns = [name.strip().lower() for name in header]
    objection = _objection(columns)
    if objection is not None:
        return _refused(1, objection)
    accounts: dict[str, tuple[int, NewAccount]] = {}
    errors = []
    for line, values in lines:
        if line > LINES_MAX:
            return _refused(line, f"more than {LINES_MAX} lines")
        if not any(value.strip() for value in values):
            continue
        try:
            account = _account(columns, values)
        except ValueError as error:
            errors.append(LineError(line, _told(error)))
            continue
        if account.name in accounts:
            errors.append(LineError(line, f"name: the same as in line {accounts[account.name][0]}"))
        accounts[account.name] = line, account
    return Table(tuple(accounts.values()), tuple(errors[:ERRORS_TOLD]))


def _lines(reader: Any) -> Iterator[tuple[int, list[str]]]:
    """Each record with the line that it begins in: a quoted field may hold line breaks."""
    before = 0
    try:
        for values in reader:
            yield before + 1, values
            before = reader.line_num
    except csv.Error as error:
        raise _Broken(before + 1, str(error)) from error


def _objection(columns: list[str]) -> str | None:
    if "name" not in columns:
        return f"the first line names the columns: name and any of {', '.join(COLUMNS[1:])}"
    unknown = [name for name in columns if name not in COLUMNS]
    if unknown:
        return f"unknown column {unknown[0][:64]!r}: there are {', '.join(COLUMNS)}"
    return "a column is there twice" if len(set(columns)) < len(columns) else None


def _account(columns: list[str], values: list[str]) -> NewAccount:
    if len(values) > len(columns):
        raise ValueError(f"{len(values)} fields, but {len(columns)} columns")
    fields: dict[str, Any] = {}
    for name, value in zip(columns, values, strict=False):
        if name == "password":
            fields[name] = value or None  # blanks may be part of it
        elif name in LISTS:
            fields[name] = [part for part in re.split(r"[\s,;]+", value) if part]
        elif value.strip():
            fields[name] = value.strip()
    return NewAccount.model_validate({name: value for name, value in fields.items() if value})


def _told(error: ValueError) -> str:
    if not isinstance(error, ValidationError):
        return str(error)
    first = error.errors(include_input=False, include_url=False)[0]
    return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}".removeprefix(": ")


def _refused(line: int, why: str) -> Table:
    return Table((), (LineError(line, why),))
