"""Whether the service of this container beats: `healthcheck.py SERVICE`, exit code 0 or 1."""

import asyncio
import sys

from shared.broker import BrokerLost, State, connect
from shared.health import alive
from shared.settings import CommonSettings, load


async def main(service: str) -> int:
    client = connect(load(CommonSettings).redis_url)
    try:
        return 0 if any(heartbeat.service == service for heartbeat in await alive(State(client))) else 1
    except BrokerLost:
        return 1
    finally:
        await client.aclose()


sys.exit(asyncio.run(main(sys.argv[1])))
