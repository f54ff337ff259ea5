"""What a proxy does to a request on its way (RFC 3261 16.3 to 16.6), as pure functions on messages."""

import hashlib
import re
from collections.abc import Sequence

from sip_proxy.effects import Flow
from sip_proxy.routing.site import Site
from sip_proxy.sip.digest import parse_authorization
from sip_proxy.sip.errors import SipParseError
from sip_proxy.sip.grammar import QUOTED, TOKEN, unquote
from sip_proxy.sip.headers import NameAddr
from sip_proxy.sip.message import Request, Response
from sip_proxy.sip.reasons import REASONS
from sip_proxy.sip.transactions.layer import MAGIC_COOKIE
from sip_proxy.sip.uri import SipUri

_CHALLENGES = ("WWW-Authenticate", "Proxy-Authenticate")
_find_realms = re.compile(rf"realm[ \t]*+=[ \t]*+({QUOTED}|{TOKEN})", re.I | re.S).findall
DEFAULT_MAX_FORWARDS = 70  # RFC 3261 16.6 step 3


def stamp_source(request: Request, flow: Flow) -> None:
    """Writes into the top Via where the request really came from (RFC 3261 18.2.1, RFC 3581 4)."""
    via = request.top_via()
    asks = via.has_param("rport")
    if not asks and via.host.strip("[]").lower() == flow.remote.host:
        return
    values = {"received": flow.remote.host}
    if asks:
        values["rport"] = str(flow.remote.port)
    stamped = via.with_params(values)
    request.headers.replace_first("Via", str(stamped))
    request.headers.remember("via", stamped)


def loop_hash(request: Request) -> str:
    """Equal for a request that comes round again unchanged (RFC 3261 16.6 step 8, RFC 5393 4.2): it covers all that
    decides where it goes. A spiral, with a new Request-URI, is another one."""
    decisive = (
        request.uri,
        request.from_().tag or "",
        request.to().tag or "",
        request.call_id,
        str(request.cseq.number),
        *request.headers.get_all("Route"),
        *request.headers.get_all("Proxy-Require"),
    )
    octets = "\n".join(decisive).encode("utf-8", "surrogateescape")
    return hashlib.blake2b(octets, digest_size=6).hexdigest()


def is_loop(request: Request, site: Site) -> bool:
    """Whether one of its Vias is ours and says that it went the same way before."""
    ours = [via for via in request.vias() if site.is_here(via.host, via.port)]
    if not ours:
        return False
    ending = f".{loop_hash(request)}"
    return any((via.branch or "").endswith(ending) for via in ours)


def take_own_routes(request: Request, site: Site) -> None:
    """RFC 3261 16.4: undoes what a strict router did, and removes the Route values that name us."""
    uri = request.parsed_uri
    if uri.has_param("lr") and site.is_us(uri) and request.routes:
        values = request.headers.get_all("Route")
        request.uri = str(request.routes[-1].target)
        request.headers.remove("Route")
        for value in values[:-1]:
            request.headers.add("Route", value)
    while request.routes and _is_ours(request.routes[0], site):
        request.headers.remove_first("Route")


def _is_ours(route: NameAddr, site: Site) -> bool:
    return isinstance(route.target, SipUri) and site.is_us(route.target)


def forwarded(request: Request, *, uri: str, via: str, record_routes: Sequence[str], realm: str) -> Request:
    """The copy that goes on to the next hop (RFC 3261 16.6 steps 1 to 8); `record_routes`: the topmost first."""
    copy = request.copy()
    copy.uri = uri
    hops = request.max_forwards
    copy.headers.set("Max-Forwards", str(DEFAULT_MAX_FORWARDS if hops is None else hops - 1))
    for record_route in reversed(record_routes):
        if "Record-Route" in copy.headers:
            copy.headers.prepend("Record-Route", record_route)
        else:
            copy.headers.add("Record-Route", record_route)
    copy.headers.prepend("Via", via)
    _drop_own_credentials(copy, realm)
    return copy


def without_challenge_for(response: Response, realm: str) -> Response:
    """The response as it may go on: nobody but us asks for credentials of our realm. A caller who is hung up and
    answers the BYE with such a challenge would be told a digest to guess the other's password from."""
    if response.status not in (401, 407):
        return response
    values = [value for name in _CHALLENGES for value in response.headers.get_all(name)]
    if not any(unquote(found) == realm for value in values for found in _find_realms(value)):
        return response
    refusal = response.copy()
    refusal.status, refusal.reason = 403, REASONS[403]
    for name in _CHALLENGES:
        refusal.headers.remove(name)
    return refusal


def new_branch(request: Request, token: str) -> str:
    """A branch that is unique by its token and lets us recognise a loop."""
    return f"{MAGIC_COOKIE}{token}.{loop_hash(request)}"


def _drop_own_credentials(request: Request, realm: str) -> None:
    """RFC 3261 22.3: what was meant for us goes no further; what is meant for others passes."""
    for name in ("Proxy-Authorization", "Authorization"):
        values = request.headers.get_all(name)
        others = [value for value in values if not _is_for_realm(value, realm)]
        if len(others) == len(values):
            continue
        request.headers.remove(name)
        for value in others:
            request.headers.add(name, value)


def _is_for_realm(authorization: str, realm: str) -> bool:
    try:
        credentials = parse_authorization(authorization)
    except SipParseError:
        return False
    return credentials is not None and credentials.realm == realm
