"""The four transaction machines of RFC 3261 17 with RFC 6026, and the layer that holds them: pure, time injected."""

from sip_proxy.sip.transactions.layer import TransactionLayer, client_key, server_key
from sip_proxy.sip.transactions.timers import Timers

__all__ = ["Timers", "TransactionLayer", "client_key", "server_key"]
