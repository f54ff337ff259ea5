"""A dialog in which we are the callee (RFC 3261 12): a value, so that it can be kept outside the process."""

from collections.abc import Iterable

from shared.events import Value
from sip_proxy.sip.message import Headers, Request
from sip_proxy.texts import clean

MAX_HEADER_CHARS = 8192  # characters; the parser lets no longer field in


class Dialog(Value):
    """The state of RFC 3261 12 of a dialog that an INVITE to us opened."""

    call_id: str
    local: str  # the To of the INVITE with our tag: the From of our requests
    local_tag: str
    remote: str  # its From
    remote_target: str
    route_set: tuple[str, ...]
    local_cseq: int = 0
    remote_cseq: int
    session_id: int  # of our SDP (o=), and its version
    session_version: int = 1
    session_body: str = ""  # our last SDP

    @classmethod
    def opened(cls, invite: Request, local_tag: str, session_id: int) -> "Dialog":
        """RFC 3261 12.1.1: the route set is the Record-Route in order. Needs exactly one Contact."""
        contacts = invite.contacts
        target = str(contacts[0].target) if contacts != "*" and contacts else invite.from_().target
        return cls(
            call_id=invite.call_id,
            local=f"{clean(invite.headers.get('To') or '', MAX_HEADER_CHARS)};tag={local_tag}",
            local_tag=local_tag,
            remote=clean(invite.headers.get("From") or "", MAX_HEADER_CHARS),
            remote_target=clean(str(target), MAX_HEADER_CHARS),
            route_set=tuple(clean(route, MAX_HEADER_CHARS) for route in invite.headers.get_all("Record-Route")),
            remote_cseq=invite.cseq.number,
            session_id=session_id,
        )

    def received(self, request: Request) -> "Dialog":
        """After a request of the other side; a target refresh moves its target (RFC 3261 12.2.2)."""
        changes: dict[str, object] = {"remote_cseq": request.cseq.number}
        contacts = request.contacts
        if request.method in ("INVITE", "UPDATE") and contacts != "*" and contacts:
            changes["remote_target"] = clean(str(contacts[0].target), MAX_HEADER_CHARS)
        return self.model_copy(update=changes)

    def is_out_of_order(self, request: Request) -> bool:
        """RFC 3261 12.2.2: a lower CSeq than the last is refused with 500."""
        return request.cseq.number < self.remote_cseq

    def request(self, method: str, via: str) -> tuple["Dialog", Request]:
        """RFC 3261 12.2.1.1: the next request of our side (loose routing), and the dialog after it."""
        cseq = self.local_cseq + 1
        request = request_within(
            method,
            call_id=self.call_id,
            local=self.local,
            remote=self.remote,
            target=self.remote_target,
            route_set=self.route_set,
            cseq=cseq,
        )
        request.headers.prepend("Via", via)
        return self.model_copy(update={"local_cseq": cseq}), request


def request_within(
    method: str,
    *,
    call_id: str,
    local: str,
    remote: str,
    target: str,
    route_set: Iterable[str],
    cseq: int,
) -> Request:
    """A request of a dialog with this state (RFC 3261 12.2.1.1, loose routing), still without a Via."""
    headers = Headers()
    for route in route_set:
        headers.add("Route", route)
    headers.add("Max-Forwards", "70")
    headers.add("From", local)
    headers.add("To", remote)
    headers.add("Call-ID", call_id)
    headers.add("CSeq", f"{cseq} {method}")
    headers.add("Content-Length", "0")
    return Request(method, target, headers)
