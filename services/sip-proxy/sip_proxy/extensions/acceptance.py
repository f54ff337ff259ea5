"""Whether we can do what an INVITE or UPDATE to an extension asks: our session description, or the refusal."""

from sip_proxy.extensions import local_media
from sip_proxy.media.anchoring import Anchor
from sip_proxy.media.bodies import SDP, content_type, description_of
from sip_proxy.sip.dialog import Dialog
from sip_proxy.sip.errors import NothingAcceptable, SdpError
from sip_proxy.sip.message import Request, Response, response_to
from sip_proxy.sip.session_interval import MIN_SE_S, IntervalTooSmall, SessionInterval, granted

# What may be required of us. 100rel we satisfy by sending no provisional response that would need a PRACK.
_UNDERSTOOD = frozenset({"100rel", "timer"})


class Unacceptable(Exception):
    """Answer with this instead."""

    def __init__(self, status: int, reason: str | None = None, headers: tuple[tuple[str, str], ...] = ()) -> None:
        self.status = status
        self.reason = reason
        self.headers = headers

    def response_to(self, request: Request, tag: str) -> Response:
        return response_to(request, self.status, self.reason, to_tag=tag, headers=self.headers)


def session_interval(request: Request) -> SessionInterval | None:
    """The session timer that the request gets, once it is clear that we can do what it requires.

    Raises:
        Unacceptable: we cannot.
    """
    foreign = sorted(set(request.headers.get_all("Require")) - _UNDERSTOOD)
    if foreign:
        raise Unacceptable(420, headers=(("Unsupported", ", ".join(foreign)),))
    try:
        return granted(request)
    except IntervalTooSmall as error:
        raise Unacceptable(422, headers=(("Min-SE", str(MIN_SE_S)),)) from error


def session(request: Request, anchor: Anchor, dialog: Dialog, source: str) -> tuple[Anchor, Dialog, bytes]:
    """Our SDP for a request from this address: the answer to its offer, or else an offer.

    Raises:
        Unacceptable: we cannot answer that.
    """
    if request.body and content_type(request) != SDP:
        raise Unacceptable(415, headers=(("Accept", SDP),))
    try:
        description = description_of(request)
        if description is not None:
            return local_media.answer(anchor, description, dialog, source)
    except NothingAcceptable as error:
        raise Unacceptable(488) from error
    except SdpError as error:
        raise Unacceptable(400, "Malformed SDP") from error
    dialog, body = local_media.offer(anchor, dialog)
    return anchor, dialog, body
