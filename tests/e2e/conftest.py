"""The running system and the browser, for the end-to-end tests."""

from collections.abc import AsyncIterator, Iterator

import pytest
from playwright.async_api import Browser

from tests.e2e.browsing import chromium
from tests.e2e.running import Rest, RunningSystem, prepared_system


@pytest.fixture(scope="session")
def system() -> Iterator[RunningSystem]:
    """One running system for all tests; each makes its own calls in it."""
    with prepared_system() as prepared:
        prepared.start()
        yield prepared


@pytest.fixture
async def rest(system: RunningSystem) -> AsyncIterator[Rest]:
    async with system.rest() as client:
        yield client


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as running:
        yield running
