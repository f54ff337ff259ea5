"""Which Contact URIs nobody may register: those through which our own requests would come back, or reach many.

We send to where a REGISTER came from and not to its Contact, but other elements, and people with a log, believe it.
"""

from functools import lru_cache
from ipaddress import IPv6Address, ip_address

from sip_proxy.effects import Flow
from sip_proxy.routing.site import Site
from sip_proxy.sip.uri import SipUri


def objection(uri: SipUri, flow: Flow, site: Site) -> str | None:
    """What is wrong with a Contact that comes on this flow; None: nothing."""
    if site.is_us(uri):
        return "contact points at this server"
    kind = _kind(uri.address)
    # who sends to the unspecified address reaches himself, too
    if kind is None or (kind == "a loopback" and _kind(flow.remote.host) == "a loopback"):
        return None
    return f"contact is {kind} address"


# The same devices come again and again, and to read an address takes longer than all the rest.
@lru_cache(maxsize=2048)
def _kind(host: str) -> str | None:
    """What is wrong with an address for a Contact; None also for a name: nobody looks it up."""
    try:
        address = ip_address(host)
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        address = address.ipv4_mapped or address
    if address.is_multicast:
        return "a multicast"
    if str(address) == "255.255.255.255":
        return "the broadcast"
    return "a loopback" if address.is_loopback or address.is_unspecified else None
