"""Session descriptions in message bodies: found, read, and led through the relay."""

from collections.abc import Callable

import structlog

from shared.events import Party
from sip_proxy.media.anchoring import INVITED, Anchor
from sip_proxy.sip.errors import SdpError
from sip_proxy.sip.message import Message
from sip_proxy.sip.multipart import find_part
from sip_proxy.sip.sdp import SessionDescription

log = structlog.get_logger(__name__)

SDP = "application/sdp"


def content_type(message: Message) -> str:
    """The media type of the body, without parameters, in lower case."""
    return (message.headers.get("Content-Type") or "").partition(";")[0].strip().lower()


def description_of(message: Message) -> SessionDescription | None:
    """The SDP that the message carries, if any, alone or as one part of several.

    Raises:
        SdpError: there is one that cannot be read.
    """
    found = _find(message)
    return None if found is None else SessionDescription.parse(found[0])


def carries_description(message: Message) -> bool:
    return _find(message) is not None


def anchor_body(
    message: Message,
    anchor: Anchor,
    sender: Party,
    signalling_address: str,
    *,
    tag: str = INVITED,
    is_answer: bool = False,
) -> Anchor:
    """Rewrites the SDP of a message in place, if it has one, and returns the anchor that knows of it.

    Raises:
        SdpError: there is an SDP that cannot be read; the message is as it was.
    """
    description = description_of(message)
    if description is None:
        return anchor
    learned = anchor.learned(sender, description, signalling_address, tag=tag, is_answer=is_answer)
    lead_through(message, description, learned, sender, tag=tag, is_answer=is_answer)
    return learned


def lead_through(
    message: Message,
    description: SessionDescription,
    anchor: Anchor,
    sender: Party,
    *,
    tag: str = INVITED,
    is_answer: bool = False,
) -> None:
    """Rewrites the SDP of a message in place, which `description` was read from, for an anchor that knows of it."""
    found = _find(message)
    if found is not None:
        _, put_back = found
        message.set_body(put_back(anchor.rewritten(sender, description, tag=tag, is_answer=is_answer)))


def anchor_body_leniently(
    message: Message,
    anchor: Anchor,
    sender: Party,
    signalling_address: str,
    *,
    tag: str = INVITED,
    is_answer: bool = False,
) -> Anchor:
    """The same for what cannot be refused, a response or an ACK: an SDP that we cannot read passes as it is."""
    try:
        return anchor_body(message, anchor, sender, signalling_address, tag=tag, is_answer=is_answer)
    except SdpError as error:
        log.warning("unreadable sdp passed on", call_id=message.call_id, error=str(error))
        return anchor


def _find(message: Message) -> tuple[bytes, Callable[[bytes], bytes]] | None:
    """The octets of the SDP, and what makes the whole body of its successor."""
    if not message.body or "Content-Encoding" in message.headers:
        return None
    kind = content_type(message)
    if kind == SDP:
        return message.body, lambda changed: changed
    if not kind.startswith("multipart/"):
        return None
    part = find_part(message.body, message.headers.get("Content-Type") or "", SDP)
    return None if part is None else (part.content, part.replaced_by)
