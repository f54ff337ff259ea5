"""Uploaded captures in the database. The report is one JSON text."""

from collections.abc import Sequence

from sqlalchemy import delete, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from api.shapes import CAPTURE_UNDER_WAY, CaptureView
from api.store import bulk, tables

Position = tuple[float, str]  # when uploaded, id
_VIEW = tuple(column for column in tables.captures.c if column.name not in ("instance", "report"))


async def add(connection: AsyncConnection, capture: CaptureView, instance: str) -> None:
    """Stores a new capture, in the care of an api process."""
    values = {column.name: getattr(capture, column.name) for column in _VIEW}
    row = {**values, "instance": instance, "report": None}
    await bulk.add(connection, tables.captures, [tuple(row[column.name] for column in tables.captures.c)])


async def settle(connection: AsyncConnection, capture: CaptureView, report: str | None) -> None:
    """Stores how the analysis ended, unless the capture was deleted meanwhile."""
    table = tables.captures
    await connection.execute(
        table.update()
        .where(table.c.capture_id == capture.capture_id)
        .values(
            state=capture.state,
            progress=capture.progress,
            finished_at=capture.finished_at,
            error=capture.error,
            streams=capture.streams,
            report=report,
        )
    )


async def drop(connection: AsyncConnection, capture_id: str) -> bool:
    """Takes a capture away; false: there is none."""
    table = tables.captures
    return bool((await connection.execute(delete(table).where(table.c.capture_id == capture_id))).rowcount)


async def page(connection: AsyncConnection, limit: int, after: Position | None) -> list[CaptureView]:
    """The newest captures, or those after a place in that order."""
    table = tables.captures
    query = select(*_VIEW).order_by(table.c.uploaded_at.desc(), table.c.capture_id.desc()).limit(limit)
    if after is not None:
        query = query.where(tuple_(table.c.uploaded_at, table.c.capture_id) < tuple_(*after))
    return _views((await connection.execute(query)).all())


async def one(connection: AsyncConnection, capture_id: str) -> tuple[CaptureView, str | None] | None:
    """A capture and its report."""
    query = select(*_VIEW, tables.captures.c.report).where(tables.captures.c.capture_id == capture_id)
    found = (await connection.execute(query)).first()
    return None if found is None else (CaptureView(*found[:-1]), found[-1])


async def under_way(connection: AsyncConnection, instance: str) -> list[CaptureView]:
    """Captures in the care of an api process that are not analysed yet."""
    table = tables.captures
    query = select(*_VIEW).where(table.c.state.in_(CAPTURE_UNDER_WAY), table.c.instance == instance)
    return _views((await connection.execute(query)).all())


async def known(connection: AsyncConnection, capture_ids: Sequence[str]) -> set[str]:
    """Those of the captures that there still are."""
    query = select(tables.captures.c.capture_id).where(tables.captures.c.capture_id.in_(capture_ids))
    return set((await connection.execute(query)).scalars())


def _views(rows: Sequence[Sequence[object]]) -> list[CaptureView]:
    return [CaptureView(*row) for row in rows]  # type: ignore[arg-type]  # the columns are in the order of its fields
