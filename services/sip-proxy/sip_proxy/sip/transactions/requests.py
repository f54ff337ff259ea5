"""The two requests that a client transaction makes by itself out of its INVITE: the ACK of a refusal, and CANCEL."""

from sip_proxy.sip.message import Headers, Request, Response

# The credentials as well: RFC 3261 22.1, a hop that asked once may look again.
_REPEATED = ("via", "route", "from", "to", "call-id", "authorization", "proxy-authorization")


def ack_for(invite: Request, response: Response) -> Request:
    """RFC 3261 17.1.1.3: same Request-URI, top Via, From, Call-ID, Route; To as the response has it."""
    ack = _hop_request(invite, "ACK")
    ack.headers.set("To", response.headers.get("To") or invite.headers.get("To") or "")
    return ack


def cancel_for(invite: Request) -> Request:
    """RFC 3261 9.1, for an INVITE as we sent it."""
    return _hop_request(invite, "CANCEL")


def _hop_request(invite: Request, method: str) -> Request:
    headers = Headers.excerpt(invite.headers, _REPEATED)
    headers.set("Via", str(invite.top_via()))
    headers.add("Max-Forwards", "70")  # RFC 3261 8.1.1.6
    headers.add("CSeq", f"{invite.cseq.number} {method}")
    headers.add("Content-Length", "0")
    return Request(method, invite.uri, headers)
