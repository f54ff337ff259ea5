"""Path and outbound in REGISTER: proxies between us and a device, and flows that the device keeps open (RFC 3327,
RFC 5626). Pure."""

from sip_proxy.sip.errors import SipParseError
from sip_proxy.sip.headers import parse_name_addr
from sip_proxy.sip.message import Request
from sip_proxy.texts import is_unicode

OPTION_TAGS = frozenset({"path", "outbound"})  # what a REGISTER may require of us
MAX_PATH = 1024  # characters
FLOW_TIMER_S = 120  # RFC 5626 4.4.1: how often a device has to show that its connection lives


def supports(request: Request, option: str) -> bool:
    """Whether the device says that it understands an extension."""
    return any(tag.lower() == option for tag in request.headers.get_all("Supported"))


def path_of(request: Request) -> tuple[str, ...]:
    """The proxies on the way back to the device, as they wrote themselves into the request (RFC 3327 5.3).

    Raises:
        SipParseError: one that cannot be kept, or is no SIP URI.
    """
    path = tuple(request.headers.get_all("Path"))
    if sum(map(len, path)) > MAX_PATH or not all(map(is_unicode, path)):
        raise SipParseError(400, "Unusable Path")
    for value in path:
        _ = parse_name_addr(value).uri
    return path


def asks_for_flow(request: Request) -> bool:
    """Whether a device wants to be reached on the flow of this REGISTER (RFC 5626 4.2).

    Raises:
        SipParseError: a proxy before us does not keep that flow (RFC 5626 6).
    """
    contacts = request.contacts
    named = contacts != "*" and any(each.param("+sip.instance") and each.param("reg-id") for each in contacts)
    if not (named and supports(request, "outbound")):
        return False
    if len(request.vias()) > 1:
        path = path_of(request)
        if not path or not parse_name_addr(path[-1]).uri.has_param("ob"):
            raise SipParseError(439, "First Hop Lacks Outbound Support")
    return True


def answered(request: Request) -> list[tuple[str, str]]:
    """What the 200 says about it: the device keeps the flow, with CRLFs or, over UDP, with STUN (RFC 5626 4.4)."""
    headers = [("Path", value) for value in path_of(request) if supports(request, "path")]
    if asks_for_flow(request):
        headers += [("Require", "outbound"), ("Flow-Timer", str(FLOW_TIMER_S))]
    return headers
