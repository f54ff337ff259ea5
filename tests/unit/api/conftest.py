"""A real database, of both kinds one after the other, and an ingest that stores into it."""

import pytest

from api.ingest import Ingest
from api.store.database import Database
from shared.broker import Bus
from shared.broker.connection import connect
from shared.testing import AT
from tests.unit.api.people import people_of


@pytest.fixture
async def database(database_url):
    database = Database.open(database_url)
    await database.migrate()
    yield database
    await database.close()


@pytest.fixture
def ingest(database):
    return Ingest(Bus(connect("redis://127.0.0.1:1/0")), database, "api-1", lambda: AT + 100)


@pytest.fixture
def people(database, tmp_path):
    return people_of(database, tmp_path)
