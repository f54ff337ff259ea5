"""All that knows Redis: streams (bus, outbox), live state (state) and the relay workers (workers)."""

from shared.broker.bus import Bus, Delivery
from shared.broker.connection import BrokerLost, Client, connect
from shared.broker.outbox import Outbox
from shared.broker.state import State
from shared.broker.workers import Workers, WorkerStatus

__all__ = ["BrokerLost", "Bus", "Client", "Delivery", "Outbox", "State", "WorkerStatus", "Workers", "connect"]
