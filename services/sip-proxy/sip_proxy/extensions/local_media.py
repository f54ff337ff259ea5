"""The SDP of our own extensions (RFC 3264): an answer to an offer, or an offer for an INVITE that came without one."""

from collections.abc import Mapping

from sip_proxy.media.anchoring import Anchor, Mode
from sip_proxy.sip.dialog import Dialog
from sip_proxy.sip.sdp import SessionDescription, answer_for

# What `rtp-analyzer` has sounds in; an echo sends back what came, so it needs no codec.
_PLAYABLE = ("PCMA", "PCMU", "G722", "G729", "OPUS")
ENCODINGS: Mapping[Mode, tuple[str, ...]] = {
    "echo": (*_PLAYABLE, "GSM", "ILBC", "SPEEX", "G723", "G726-32", "L16"),
    "tone": _PLAYABLE,
    "announce": _PLAYABLE,
}
# What we offer when nobody offered: static payload types, and events at the number that everybody uses.
_OFFER = ("8 PCMA/8000", "0 PCMU/8000", "9 G722/8000", "18 G729/8000", "101 telephone-event/8000")


def answer(anchor: Anchor, offer: SessionDescription, dialog: Dialog, source: str) -> tuple[Anchor, Dialog, bytes]:
    """Our answer, and what the session is after it.

    Raises:
        NothingAcceptable: the offer has no audio that this extension can do.
    """

    def answer_as(version: int) -> tuple[Anchor, bytes]:
        made = answer_for(
            offer,
            address=anchor.address,
            port=anchor.leg("caller").port,
            encodings=ENCODINGS[anchor.mode],
            session_id=dialog.session_id,
            version=version,
        )
        return anchor.agreed(made.media, made.formats, source), made.body

    changed, body = answer_as(dialog.session_version)
    if dialog.session_body not in ("", body.decode()):
        # RFC 3264 8: a description that differs from the last has the next version
        dialog = dialog.model_copy(update={"session_version": dialog.session_version + 1})
        changed, body = answer_as(dialog.session_version)
    return changed, dialog.model_copy(update={"session_body": body.decode()}), body


def offer(anchor: Anchor, dialog: Dialog) -> tuple[Dialog, bytes]:
    """Our offer, for an INVITE without one (RFC 3261 13.2.1): the answer comes in the ACK."""
    version = dialog.session_version + (1 if dialog.session_body else 0)
    family = "IP6" if ":" in anchor.address else "IP4"
    numbers = " ".join(item.partition(" ")[0] for item in _OFFER)
    lines = [
        "v=0",
        f"o=- {dialog.session_id} {version} IN {family} {anchor.address}",
        "s=-",
        f"c=IN {family} {anchor.address}",
        "t=0 0",
        f"m=audio {anchor.leg('caller').port} RTP/AVP {numbers}",
        *(f"a=rtpmap:{item}" for item in _OFFER),
        "a=ptime:20",
        "a=sendrecv",
    ]
    body = "\r\n".join(lines) + "\r\n"
    return dialog.model_copy(update={"session_version": version, "session_body": body}), body.encode()


def take_answer(anchor: Anchor, description: SessionDescription, source: str) -> Anchor:
    """The session after the answer to our offer came."""
    media = anchor.media_of(description)
    return anchor if media is None else anchor.agreed(media, media.formats, source)
