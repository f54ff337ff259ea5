"""The contacts of a REGISTER that passes to a carrier: ours on the way out, the device's own on the way back. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from sip_proxy.carriers.contact_tokens import PARAMETER, ContactTokens, contact_of_ours, token_of
from sip_proxy.effects import Address, Transport
from sip_proxy.registration.outbound import supports
from sip_proxy.sip.errors import SipParseError
from sip_proxy.sip.grammar import format_params
from sip_proxy.sip.headers import NameAddr, parse_delta_seconds, parse_name_addr
from sip_proxy.sip.message import Request, Response
from sip_proxy.sip.uri import SipUri

DEFAULT_EXPIRES_S = 3600  # RFC 3261 10.2.1.1 leaves it to the registrar; what most of them grant


def hide(request: Request, aor: str, tokens: ContactTokens, transport: Transport, address: Address) -> None:
    """Puts contacts of ours in the place of the device's. `transport`, `address`: the socket of ours that the carrier
    is to send to."""
    contacts = request.contacts
    if contacts == "*":
        return
    request.headers.remove("Contact")
    for contact in contacts:
        if isinstance(contact.target, SipUri):
            token = tokens.sign(aor, str(contact.target))
            contact = replace(contact, target=contact_of_ours(contact.target, token, transport, address))
        request.headers.add("Contact", str(contact))


def add_path(request: Request, transport: Transport, address: Address) -> None:
    """Puts us into the Path too, where the device knows it: a carrier that goes by it (RFC 3327 5) brings the token
    back even if it keeps no parameters of contacts. After `hide`."""
    contacts = () if request.contacts == "*" else request.contacts
    ours = (contact.target for contact in contacts if isinstance(contact.target, SipUri))
    token = next((token for uri in ours if (token := token_of(uri)) is not None), None)
    if token is not None and supports(request, "path"):
        request.headers.prepend("Path", f"<sip:{address};transport={transport};lr;{PARAMETER}={token}>")


def keeps_tokens(response: Response) -> bool:
    """Whether the carrier lists any contact with a token."""
    listed = (_read(value) for value in response.headers.get_all("Contact"))
    uris = (contact.target for contact in listed if contact is not None)
    return any(isinstance(uri, SipUri) and token_of(uri) is not None for uri in uris)


def reveal(response: Response, own: Callable[[SipUri], str | None]) -> dict[str, int | None]:
    """Puts the device's contacts back where the carrier lists those of ours; the rest stays octet for octet.

    `own`: the device's contact for one that is listed, if it is one of ours. Returns those found, each with the time
    that was granted to it, where that is said.
    """
    granted: dict[str, int | None] = {}
    values = []
    for value in response.headers.get_all("Contact"):
        listed = _read(value)
        contact = own(listed.uri) if listed is not None and isinstance(listed.target, SipUri) else None
        if listed is None or contact is None:
            values.append(value)
            continue
        granted[contact] = parse_delta_seconds(listed.param("expires") or "")
        values.append(f"<{contact}>{format_params(listed.params)}")
    if granted:
        response.headers.remove("Contact")
        for value in values:
            response.headers.add("Contact", value)
    return granted


def as_granted(request: Request, response: Response, granted: Mapping[str, int | None]) -> Request:
    """The REGISTER as if the device had asked for just what the carrier granted."""
    contacts = request.contacts
    asked = request.copy()
    for name in ("Require", "Supported"):  # what it wants of the carrier is none of ours
        asked.headers.remove(name)
    if contacts == "*":
        return asked
    asked.headers.remove("Contact")
    for contact in contacts:
        expires_s = _granted_s(contact, request, response, granted)
        others = tuple((name, value) for name, value in contact.params if name.lower() != "expires")
        asked.headers.add("Contact", str(replace(contact, params=(*others, ("expires", str(expires_s))))))
    return asked


def own_contacts(
    tokens: ContactTokens, aor: str, contacts: set[str], is_us: Callable[[SipUri], bool]
) -> Callable[[SipUri], str | None]:
    """Recognises contacts of ours: by their token, or, where a device has one contact only, by our address, as some
    carriers list contacts without their parameters."""
    by_token = {tokens.sign(aor, contact): contact for contact in contacts}

    def own(uri: SipUri) -> str | None:
        token = token_of(uri)
        if token is None and len(contacts) == 1 and is_us(uri):
            return next(iter(contacts))
        return by_token.get((token or "").lower())

    return own


def _granted_s(contact: NameAddr, request: Request, response: Response, granted: Mapping[str, int | None]) -> int:
    """RFC 3261 10.2.4: what is listed counts; what was to be taken away and is not listed is gone."""
    listed = granted.get(str(contact.target))
    if listed is not None:
        return listed
    wish = parse_delta_seconds(contact.param("expires") or "")
    if wish is None:
        wish = DEFAULT_EXPIRES_S if request.expires is None else request.expires
    return wish if wish == 0 or response.expires is None else response.expires


def _read(value: str) -> NameAddr | None:
    try:
        return parse_name_addr(value)
    except SipParseError:
        return None
