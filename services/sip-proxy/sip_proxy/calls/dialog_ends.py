"""Both ends of a dialog that passes through us: how the other end addresses each, so that we can end it for both."""

from shared.events import Value
from sip_proxy.routing.site import Site
from sip_proxy.sip.dialog import MAX_HEADER_CHARS, request_within
from sip_proxy.sip.errors import SipParseError
from sip_proxy.sip.message import Message, Request, Response
from sip_proxy.sip.uri import SipUri
from sip_proxy.texts import clean

# Requests that, with their 2xx, may move the target of a dialog (RFC 3261 12.2, RFC 3311 5.1)
_TARGET_REFRESHES = frozenset({"INVITE", "UPDATE"})


class DialogEnd(Value):
    """One party of a dialog as RFC 3261 12 has its peer remember it, and the way from us to it."""

    address: str  # its From or To, with its tag
    target: str  # its Contact
    route_set: tuple[str, ...]  # proxies between us and it, the nearest first
    cseq: int = 0  # of its last request; 0: it has sent none

    @classmethod
    def of_caller(cls, invite: Request) -> "DialogEnd":
        """From the INVITE as it came to us: whoever stands in its Record-Route is on the way back."""
        address = invite.headers.get("From") or ""
        return cls(
            address=_kept(address),
            target=_target(invite) or _kept(str(invite.from_().target)),
            route_set=tuple(map(_kept, invite.headers.get_all("Record-Route"))),
            cseq=invite.cseq.number,
        )

    @classmethod
    def of_callee(cls, response: Response, site: Site) -> "DialogEnd":
        """From a response as it came to us: those above us in its Record-Route are on the way there."""
        return cls(
            address=_kept(response.headers.get("To") or ""),
            target=_target(response) or _kept(str(response.to().target)),
            route_set=_routes_beyond(response, site),
        )

    def heard(self, message: Message) -> "DialogEnd":
        """After a request of this party in the dialog, or its 2xx to one."""
        changes: dict[str, object] = {}
        if isinstance(message, Request):
            changes["cseq"] = max(self.cseq, message.cseq.number)
        target = _target(message) if message.cseq.method in _TARGET_REFRESHES else None
        if target is not None:
            changes["target"] = target
        return self.model_copy(update=changes)


def bye(call_id: str, to: DialogEnd, sender: DialogEnd) -> Request:
    """The BYE that ends the dialog for `to`, as `sender` would send it (RFC 3261 15.1.1), still without a Via."""
    return request_within(
        "BYE",
        call_id=call_id,
        local=sender.address,
        remote=to.address,
        target=to.target,
        route_set=to.route_set,
        cseq=sender.cseq + 1,
    )


def _target(message: Message) -> str | None:
    try:
        contacts = message.contacts
    except SipParseError:  # of a response: nobody has checked that yet
        return None
    return None if contacts == "*" or not contacts else _kept(str(contacts[0].target))


def _routes_beyond(response: Response, site: Site) -> tuple[str, ...]:
    try:
        routes = [route.target for route in response.record_routes]
    except SipParseError:
        return ()
    ours = next((at for at, uri in enumerate(routes) if isinstance(uri, SipUri) and site.is_us(uri)), 0)
    return tuple(map(_kept, reversed(response.headers.get_all("Record-Route")[:ours])))


def _kept(text: str) -> str:
    return clean(text, MAX_HEADER_CHARS)
