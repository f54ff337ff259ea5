"""All that knows Redis: streams (bus, outbox), live state (state), the registries of relay workers and of proxies, and
the quotas of accounts."""

from shared.broker.bus import Bus, Delivery
from shared.broker.connection import BrokerLost, Client, connect
from shared.broker.outbox import Outbox
from shared.broker.proxies import Proxies
from shared.broker.quotas import Quotas
from shared.broker.state import State
from shared.broker.workers import Workers, WorkerStatus

__all__ = [
    "BrokerLost",
    "Bus",
    "Client",
    "Delivery",
    "Outbox",
    "Proxies",
    "Quotas",
    "State",
    "WorkerStatus",
    "Workers",
    "connect",
]
