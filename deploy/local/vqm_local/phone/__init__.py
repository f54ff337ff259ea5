"""A real SIP phone (pjsua2) in a process of its own, for test calls: no sound card, a tone to say, an ear to listen."""

from vqm_local.phone.calls import CallState, Registration
from vqm_local.phone.handle import Phone, PhoneCall, PhoneDied, PhoneError, phone_in
from vqm_local.phone.hearing import Heard, listen

__all__ = [
    "CallState",
    "Heard",
    "Phone",
    "PhoneCall",
    "PhoneDied",
    "PhoneError",
    "Registration",
    "listen",
    "phone_in",
]
