"""The SIP proxy: settings, accounts, broker and the app, their tasks in one group."""

import asyncio
import gc
import secrets
import sys
import time
from functools import partial
from typing import NoReturn

import uvloop

from shared.broker import (
    AccountBook,
    BrokerLost,
    Bus,
    NonceUses,
    Outbox,
    Proxies,
    Quotas,
    Registry,
    State,
    Workers,
    connect,
)
from shared.health import beat
from shared.service import run
from shared.settings import load
from sip_proxy.accounts import Accounts, AccountsUnreadable, admissible, from_file, seeded
from sip_proxy.app import App
from sip_proxy.settings import SipProxySettings

COLLECT_EVERY_S = 60.0


async def serve(settings: SipProxySettings, accounts: Accounts) -> None:
    """Serves until cancelled."""
    redis = connect(settings.redis_url)
    bus, state = Bus(redis), State(redis)
    outbox = Outbox(bus)
    now = time.time  # noqa: TID251  # this is where the clock is chosen
    try:
        async with asyncio.TaskGroup() as tasks:
            token = partial(secrets.token_hex, 8)
            app = App(
                settings,
                accounts,
                AccountBook(redis),
                bus,
                state,
                Workers(redis),
                Proxies(redis),
                Quotas(redis),
                Registry(redis),
                NonceUses(redis),
                outbox.put,
                tasks,
                now,
                token,
            )
            try:
                await app.start()
                tasks.create_task(_collect_cycles())
                tasks.create_task(outbox.run())

                def counters() -> dict[str, float]:
                    return {**app.counters(), "events_dropped": outbox.dropped}

                await beat(state, "sip-proxy", settings.instance, counters, now)
            finally:
                app.close()
    finally:
        await outbox.close()
        await redis.aclose()


async def _collect_cycles() -> None:
    """Reference counts free all but a handful of what a message makes. What waits for the end of its transaction, by
    the thousand, is not searched for cycles again and again: a search can take tenths of a second."""
    gc.collect()
    gc.freeze()
    gc.disable()
    while True:
        await asyncio.sleep(COLLECT_EVERY_S)
        gc.collect()


def load_accounts(settings: SipProxySettings) -> Accounts:
    """The accounts of the file; or those to begin with, until somebody manages others: the published ones, if they may
    be used. A file that cannot be read ends the process."""
    if settings.sip_accounts_file is None:
        return Accounts(()) if settings.refuses_published_passwords else seeded(settings.realm)
    try:
        return from_file(settings.sip_accounts_file, settings.realm)
    except AccountsUnreadable as error:
        _stop(f"VQM_SIP_ACCOUNTS_FILE cannot be used: {error}")


async def demand_own_accounts(settings: SipProxySettings) -> None:
    """Ends the process when nobody has made an account whose password is not published."""
    redis = connect(settings.redis_url)
    try:
        while True:
            try:
                _, found = await AccountBook(redis).read()
                break
            except BrokerLost:
                await asyncio.sleep(1)
    finally:
        await redis.aclose()
    if not admissible(found, settings.realm, refuses_published=True):
        _stop(
            "the production profile needs accounts: name VQM_SIP_ACCOUNTS_FILE, or make some on the page Accounts, "
            "or set VQM_ALLOW_SEEDED_ACCOUNTS=true to go on with passwords that everybody can read"
        )


def _stop(why: str) -> NoReturn:
    print(why, file=sys.stderr)  # noqa: T201  # logs are not set up yet
    raise SystemExit(2)


def main() -> None:
    settings = load(SipProxySettings)
    accounts = load_accounts(settings)
    if settings.sip_accounts_file is None and settings.refuses_published_passwords:
        asyncio.run(demand_own_accounts(settings))
    run("sip-proxy", settings, lambda: serve(settings, accounts), uvloop.new_event_loop)


if __name__ == "__main__":
    main()
