"""Session descriptions in message bodies: found, read, and led through the relay."""

import structlog

from shared.events import Party
from sip_proxy.anchoring import Anchor
from sip_proxy.sip.errors import SdpError
from sip_proxy.sip.message import Message
from sip_proxy.sip.sdp import SessionDescription

log = structlog.get_logger(__name__)

SDP = "application/sdp"


def content_type(message: Message) -> str:
    """The media type of the body, without parameters, in lower case."""
    return (message.headers.get("Content-Type") or "").partition(";")[0].strip().lower()


def description_of(message: Message) -> SessionDescription | None:
    """The SDP that the message carries, if any.

    Raises:
        SdpError: there is one that cannot be read.
    """
    if not message.body or content_type(message) != SDP:
        return None
    return SessionDescription.parse(message.body)


def anchor_body(message: Message, anchor: Anchor, sender: Party, signalling_address: str) -> Anchor:
    """Rewrites the SDP of a message in place, if it has one, and returns the anchor that knows of it.

    Raises:
        SdpError: there is an SDP that cannot be read; the message is as it was.
    """
    description = description_of(message)
    if description is None:
        return anchor
    learned = anchor.learned(sender, description, signalling_address)
    message.set_body(learned.rewritten(sender, description))
    return learned


def anchor_body_leniently(message: Message, anchor: Anchor, sender: Party, signalling_address: str) -> Anchor:
    """The same for what cannot be refused, a response or an ACK: an SDP that we cannot read passes as it is."""
    try:
        return anchor_body(message, anchor, sender, signalling_address)
    except SdpError as error:
        log.warning("unreadable sdp passed on", call_id=message.call_id, error=str(error))
        return anchor
