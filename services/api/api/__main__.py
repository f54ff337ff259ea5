"""The api service: put together from the settings, then everything runs until a signal comes."""

import asyncio
import gc
import logging
import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
import uvicorn
from pwdlib.hashers import HasherProtocol
from pwdlib.hashers.argon2 import Argon2Hasher
from starlette.types import ASGIApp

from api import first_start
from api.accounts import SipAccounts
from api.app import create_app
from api.audit import Audit
from api.auth import Auth
from api.captures import CaptureRules, Captures
from api.config_help.servers import SipServer
from api.feed import LiveFeed
from api.first_start import FirstPassword
from api.ingest import STREAMS, Ingest
from api.janitor import Janitor
from api.metrics import Tally
from api.parts import Parts
from api.passwords import Passwords
from api.retention import Disk, Retention
from api.settings import ApiSettings
from api.store.database import Database
from api.tokens import Tokens
from api.users import Users
from shared.broker import AccountBook, Bus, State, Workers, connect
from shared.capture_spool import CaptureSpool
from shared.health import beat
from shared.service import run
from shared.settings import load, parse_networks

log = structlog.get_logger(__name__)

now = time.time  # noqa: TID251  # the composition root hands the clock to all others
GRACE_S = 3
# Measured: with the defaults, searching decoded events for cycles (they have none) takes half of the ingest's time.
COLLECT = (100_000, 50, 100)


class Server(uvicorn.Server):
    """uvicorn, stopped by cancellation; the signals belong to shared.service."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def run_until_cancelled(self, listener: socket.socket) -> None:
        serving = asyncio.ensure_future(self.serve([listener]))
        try:
            await asyncio.shield(serving)
        except asyncio.CancelledError:
            self.should_exit = True
            await serving
            raise


async def main(settings: ApiSettings, listener: socket.socket, hasher: HasherProtocol) -> None:
    """Runs the service until cancelled."""
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    redis = connect(settings.redis_url)
    bus, state = Bus(redis), State(redis)
    database = Database.open(settings.store_url())
    try:
        await database.migrate()
        auth, users, tokens, audit = await _access(database, hasher, settings)
        tally = Tally()
        feed = await LiveFeed.restore(bus, database, now, tally.observe)
        retention = Retention(database, settings.keep_days(), now)
        disk = Disk(database.path and database.path.absolute().parent, settings.disk_reserve_mb << 20)
        captures = await _captures(settings, database, feed)
        ingest = Ingest(bus, database, settings.instance, now, disk.keeps_details)
        janitor = Janitor(bus, STREAMS, now)
        sip_server = SipServer(
            settings.public_address, settings.advertised_address(), settings.sip_port, settings.sips_port
        )
        accounts = SipAccounts(database, AccountBook(redis), settings, now)
        app = create_app(
            Parts(
                database,
                feed,
                auth,
                users,
                tokens,
                audit,
                state,
                Workers(redis),
                settings.web_dir,
                retention,
                disk,
                sip_server,
                captures,
                accounts,
                now,
                tally=tally,
                metrics_networks=parse_networks(settings.metrics_networks),
            )
        )

        def counters() -> dict[str, float]:
            return {**ingest.counters, **janitor.counters, **retention.counters, "clients": float(feed.clients)}

        gc.freeze()
        gc.set_threshold(*COLLECT)
        async with asyncio.TaskGroup() as tasks:
            for part in (ingest, feed, janitor, audit, retention, captures):
                tasks.create_task(part.run())
            tasks.create_task(accounts.keep_passed_on())
            tasks.create_task(beat(state, "api", settings.instance, counters, now))
            tasks.create_task(_server(app, settings).run_until_cancelled(listener))
            log.info("listening", address=settings.bind, port=listener.getsockname()[1])
    finally:
        await database.close()
        await redis.aclose()


async def _captures(settings: ApiSettings, database: Database, feed: LiveFeed) -> Captures:
    """Uploaded captures, and those that an earlier process left."""
    spool = CaptureSpool.under(settings.data_dir)
    captures = Captures(
        spool,
        database,
        Disk(spool.folder, settings.disk_reserve_mb << 20),
        CaptureRules(settings.capture_max_mb << 20, settings.keep_capture_files, settings.instance),
        feed.state.show_capture,
        feed.state.forget_capture,
        now,
    )
    await captures.prepare()
    return captures


async def _access(
    database: Database, hasher: HasherProtocol, settings: ApiSettings
) -> tuple[Auth, Users, Tokens, Audit]:
    """Who may come in."""
    passwords, first_password = Passwords(hasher), FirstPassword(settings.data_dir)
    chosen = settings.admin_password.get_secret_value() if settings.admin_password else None
    await first_start.prepare(database, passwords, first_password, chosen, now())
    tokens = Tokens(database, now)
    users = Users(database, passwords, now, pinned=first_start.ADMIN if chosen is not None else None)
    return Auth(database, passwords, first_password, now), users, tokens, Audit(database, tokens, now)


def _server(app: ASGIApp, settings: ApiSettings) -> Server:
    return Server(
        uvicorn.Config(
            app,
            lifespan="off",
            log_config=None,
            log_level="warning",
            access_log=False,
            server_header=False,
            ws="websockets-sansio",
            ws_max_size=65_536,  # clients have nothing to say
            ws_per_message_deflate=False,  # measured: five times the CPU of a LAN's worth of clients
            timeout_graceful_shutdown=GRACE_S,
            forwarded_allow_ips=settings.trusted_proxies,
        )
    )


def _listen(settings: ApiSettings) -> socket.socket:
    """The listening socket, opened before anything else: a port that is taken must stop the start at once."""
    family = socket.AF_INET6 if ":" in settings.bind else socket.AF_INET
    try:
        return socket.create_server((settings.bind, settings.http_port), family=family, backlog=512)
    except OSError as error:
        sys.exit(
            f"VQM_HTTP_PORT={settings.http_port} cannot be used on {settings.bind}: {os.strerror(error.errno or 0)}"
        )


if __name__ == "__main__":
    os.umask(0o077)  # what is stored here is nobody else's business
    chosen = load(ApiSettings)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    with _listen(chosen) as listening:
        run("api", chosen, lambda: main(chosen, listening, Argon2Hasher()))
