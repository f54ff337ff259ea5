"""What the routes work with, put together in `__main__` (or by a test)."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from api.accounts import SipAccounts
from api.audit import Audit
from api.auth import Auth
from api.captures import Captures
from api.config_help.servers import SipServer
from api.feed import LiveFeed
from api.metrics import Tally
from api.retention import Disk, Retention
from api.services import ServiceWatch
from api.store.database import Database
from api.throttle import Throttle
from api.tokens import Tokens
from api.users import Users
from shared.broker import State, Workers
from shared.settings import Network


@dataclass(frozen=True, slots=True)
class Parts:
    """The api's parts. `now` is epoch seconds."""

    database: Database
    feed: LiveFeed
    auth: Auth
    users: Users
    tokens: Tokens
    audit: Audit
    state: State
    workers: Workers
    web_dir: Path
    retention: Retention
    disk: Disk
    sip_server: SipServer
    captures: Captures
    accounts: SipAccounts
    now: Callable[[], float]
    throttle: Throttle = field(default_factory=Throttle)
    services: ServiceWatch = field(default_factory=ServiceWatch)
    tally: Tally = field(default_factory=Tally)
    metrics_networks: tuple[Network, ...] = ()


def _parts(connection: HTTPConnection) -> Parts:
    parts: Parts = connection.app.state.parts
    return parts


PartsOf = Annotated[Parts, Depends(_parts)]
