"""What all integration tests may use: a client and the bus of an empty broker."""

import pytest

from shared.broker import Bus, connect


@pytest.fixture
async def redis(broker):
    client = connect(broker.url)
    await client.flushdb()
    yield client
    await client.aclose()


@pytest.fixture
def bus(redis):
    return Bus(redis)
