"""A real database, of both kinds one after the other, and an ingest that stores into it."""

import pytest

from api.ingest import Ingest
from api.store.database import Database
from shared.broker import Bus
from shared.broker.connection import connect
from shared.testing import AT


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request, tmp_path):
    if request.param == "postgresql":
        return request.getfixturevalue("postgres").new_database()
    return f"sqlite:///{tmp_path}/vqm.sqlite3"


@pytest.fixture
async def database(database_url):
    database = Database.open(database_url)
    await database.migrate()
    yield database
    await database.close()


@pytest.fixture
def ingest(database):
    return Ingest(Bus(connect("redis://127.0.0.1:1/0")), database, "api-1", lambda: AT + 100)
