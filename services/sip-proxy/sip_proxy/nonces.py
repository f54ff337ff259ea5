"""The secret behind the nonces: one for all replicas, kept in Redis, so that a challenge survives a restart of ours."""

import asyncio
import secrets

import structlog

from shared.broker import BrokerLost, State
from sip_proxy.auth import Authenticator

log = structlog.get_logger(__name__)

KEY = "vqm:secret:nonce"
TTL_S = 10 * 365 * 24 * 3600.0
CHECK_S = 30.0


def new_secret() -> bytes:
    return secrets.token_bytes(32)


async def share(state: State, authenticator: Authenticator) -> None:
    """Makes our secret and that of the other replicas the same; the first one to come decides. Without Redis we go on
    with what we have."""
    try:
        if not await state.compare_and_set(KEY, None, authenticator.secret.hex(), TTL_S):
            text = await state.get(KEY)
            if text is not None:
                authenticator.secret = bytes.fromhex(text)
    except BrokerLost as error:
        log.warning("nonce secret not shared", error=str(error))


async def keep_shared(state: State, authenticator: Authenticator) -> None:
    """Does so now and then, as Redis may have been away or have lost it; until cancelled."""
    while True:
        await asyncio.sleep(CHECK_S)
        await share(state, authenticator)
