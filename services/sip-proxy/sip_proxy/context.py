"""What everybody who decides about calls is given: the wire, who we are, time, randomness, and where events go."""

from collections.abc import Callable
from dataclasses import dataclass

from shared.events import Event, Stream
from sip_proxy.sip.transactions import Timers
from sip_proxy.site import Site
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
