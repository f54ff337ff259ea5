"""A real database in a file of its own, and an ingest that stores into it."""

import pytest

from api.ingest import Ingest
from api.store.database import Database
from shared.broker import Bus
from shared.broker.connection import connect
from shared.testing import AT
from tests.unit.api.people import people_of


@pytest.fixture
async def database(tmp_path):
    database = Database.open(f"sqlite:///{tmp_path}/vqm.sqlite3")
    await database.migrate()
    yield database
    await database.close()


@pytest.fixture
def ingest(database):
    return Ingest(Bus(connect("redis://127.0.0.1:1/0")), database, "api-1", lambda: AT + 100)


@pytest.fixture
def people(database, tmp_path):
    return people_of(database, tmp_path)
