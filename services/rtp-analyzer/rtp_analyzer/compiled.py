"""How functions of the packet path are compiled: eagerly, one signature each, without the GIL, cached on disk."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numba

Function = TypeVar("Function", bound=Callable[..., Any])

_PACKAGE = Path(__file__).parent


def sources_digest(package: Path) -> str:
    """A short name for the present content of all Python files below `package`."""
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        digest.update(str(path.relative_to(package)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def _cache_folder() -> Path:
    # numba notices that a function's own file changed, not that a function changed which it inlined from another
    # file: after an upgrade the relay would go on with the old measurement. So each state of the sources has its own
    # cache. Where this folder cannot be written, numba falls back to the user's cache folder.
    chosen: str = numba.config.CACHE_DIR  # type: ignore[attr-defined]  # numba fills its config at run time
    root = Path(chosen) if chosen else _PACKAGE / "__pycache__"
    return root / f"numba-{sources_digest(_PACKAGE)}"


numba.config.CACHE_DIR = str(_cache_folder())  # type: ignore[attr-defined]  # as above


def compiled(signature: Any, *, inlined: bool = False) -> Callable[[Function], Function]:
    """Compile for this numba signature when the module is imported; later imports load the cached machine code.

    One explicit signature keeps callers with other integer widths from compiling a second copy: their arguments are
    converted. `inlined` puts the function into each of its callers: for what is called once and has many arguments, as
    each array is seven of them. The numba call is wrapped because numba ships no types.
    """
    decorate: Callable[[Function], Function] = numba.njit(signature, nogil=True, cache=True, forceinline=inlined)
    return decorate
