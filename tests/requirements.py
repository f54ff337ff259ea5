"""What a test may need from the machine it runs on: found, or the test is skipped and says which package to install.

In CI (`CI=true`) the machine is ours, so a missing program is a failure there and not a skip.
"""

import importlib.util
import os
import shutil
from typing import NoReturn

import pytest

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")


def in_ci() -> bool:
    """Whether the tests run where everything they need must have been installed (.ci/run)."""
    return os.environ.get("CI", "").lower() in ("1", "true")


def require_program(name: str, package: str, *other_names: str) -> str:
    """The path of a program, under any of its names; else the test is skipped, in CI it fails."""
    for candidate in (name, *other_names):
        if path := shutil.which(candidate):
            return path
    return lacking(f"needs {name}: sudo apt install {package}")


def require_chromium() -> str:
    """The path of a Chromium or Chrome."""
    return require_program(CHROMIUM[0], "chromium", *CHROMIUM[1:])


def require_root(why: str) -> None:
    """Goes on as root only."""
    if os.geteuid() != 0:
        lacking(f"needs root: {why}")


def require_phones() -> None:
    """Goes on where test calls can be made."""
    if importlib.util.find_spec("pjsua2") is None:
        lacking("needs pjsua2: PyPI has it for Python 3.11 and 3.12")


def lacking(reason: str) -> NoReturn:
    """Skips the test, or fails it in CI."""
    if in_ci():
        pytest.fail(f"{reason} (with CI=true nothing of this kind may be skipped)", pytrace=False)
    pytest.skip(reason)
