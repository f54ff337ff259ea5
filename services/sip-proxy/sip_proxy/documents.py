"""Documents of Redis as values: whoever wrote one that is not ours must not stop us."""

from typing import TypeVar

import structlog
from pydantic import ValidationError

from shared.events import Value

log = structlog.get_logger(__name__)

Kind = TypeVar("Kind", bound=Value)


def read(kind: type[Kind], text: str | None) -> Kind | None:
    """None for a document that is missing or does not fit."""
    if text is None:
        return None
    try:
        return kind.model_validate_json(text)
    except ValidationError as error:
        log.warning("unreadable document ignored", kind=kind.__name__, error=str(error))
        return None
