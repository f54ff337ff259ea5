"""Which Contact URIs nobody may register: those through which our own requests would come back, or reach many.

We send to where a REGISTER came from and not to its Contact, but other elements, and people with a log, believe it.
"""

from ipaddress import IPv6Address, ip_address

from sip_proxy.effects import Flow
from sip_proxy.sip.uri import SipUri
from sip_proxy.site import Site


def objection(uri: SipUri, flow: Flow, site: Site) -> str | None:
    """What is wrong with a Contact that comes on this flow; None: nothing."""
    if site.is_us(uri):
        return "contact points at this server"
    try:
        address = ip_address(uri.address)
    except ValueError:
        return None  # a name: nobody looks it up
    if isinstance(address, IPv6Address):
        address = address.ipv4_mapped or address
    if address.is_multicast:
        return "contact is a multicast address"
    if str(address) == "255.255.255.255":
        return "contact is the broadcast address"
    # who sends to the unspecified address reaches himself, too
    if (address.is_loopback or address.is_unspecified) and not ip_address(flow.remote.host).is_loopback:
        return "contact is a loopback address"
    return None
