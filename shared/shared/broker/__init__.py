"""All that knows Redis: streams (bus, outbox), live state (state), bindings (registry), SIP accounts, nonces,
quotas, and who is there: relay workers and proxies."""

from shared.broker.accounts import AccountBook
from shared.broker.bus import Bus, Delivery
from shared.broker.connection import BrokerLost, Client, connect
from shared.broker.nonces import NonceUse, NonceUses
from shared.broker.outbox import Outbox
from shared.broker.proxies import Proxies
from shared.broker.quotas import Quotas
from shared.broker.registry import Changed, Refusal, Registry
from shared.broker.state import State
from shared.broker.workers import Workers, WorkerStatus

__all__ = [
    "AccountBook",
    "BrokerLost",
    "Bus",
    "Changed",
    "Client",
    "Delivery",
    "NonceUse",
    "NonceUses",
    "Outbox",
    "Proxies",
    "Quotas",
    "Refusal",
    "Registry",
    "State",
    "WorkerStatus",
    "Workers",
    "connect",
]
