"""The two requests that a client transaction makes by itself out of its INVITE: the ACK of a refusal, and CANCEL."""

from sip_proxy.sip.message import Headers, Request, Response


def ack_for(invite: Request, response: Response) -> Request:
    """RFC 3261 17.1.1.3: same Request-URI, top Via, From, Call-ID, Route; To as the response has it."""
    ack = _hop_request(invite, "ACK")
    ack.headers.set("To", response.headers.get("To") or invite.headers.get("To") or "")
    return ack


def cancel_for(invite: Request) -> Request:
    """RFC 3261 9.1, for an INVITE as we sent it."""
    return _hop_request(invite, "CANCEL")


def _hop_request(invite: Request, method: str) -> Request:
    headers = Headers()
    headers.add("Via", str(invite.top_via()))
    headers.extend_from(invite.headers, "Route", first_only=False)
    headers.add("Max-Forwards", "70")  # RFC 3261 8.1.1.6
    for name in ("From", "To", "Call-ID"):
        headers.extend_from(invite.headers, name, first_only=True)
    headers.add("CSeq", f"{invite.cseq.number} {method}")
    for name in ("Authorization", "Proxy-Authorization"):  # RFC 3261 22.1: a hop that asked once may look again
        headers.extend_from(invite.headers, name, first_only=False)
    headers.add("Content-Length", "0")
    return Request(method, invite.uri, headers)
