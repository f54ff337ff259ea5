"""What everybody who decides about calls is given: the wire, who we are, time, randomness, and where events go."""

from collections.abc import Callable
from dataclasses import dataclass

from shared.events import Event, Stream
from sip_proxy.effects import Flow
from sip_proxy.routing.site import Site
from sip_proxy.sip.transactions import Timers
from sip_proxy.sip.transactions.layer import MAGIC_COOKIE
from sip_proxy.wire import Wire


@dataclass(frozen=True, slots=True)
class Context:
    wire: Wire
    site: Site
    timers: Timers
    realm: str
    instance: str
    publish: Callable[[Stream, Event], None]
    now: Callable[[], float]  # seconds since 1970
    token: Callable[[], str]  # a new random one: tags, branches, media ids

    def new_via(self, flow: Flow) -> str:
        """The Via of a request of our own, in a transaction that is new."""
        return self.site.via(flow.transport, MAGIC_COOKIE + self.token())
