"""The contact that a carrier is given in a device's place: our address, with a token that names the device's own.

The token is made of the address of record and a short digest of the contact, signed with a secret that all replicas
share: any of them finds the binding, none keeps a table, and nobody else can make or change one.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, replace

from sip_proxy.effects import Address, Transport
from sip_proxy.sip.uri import SipUri

PARAMETER = "vqm"  # of our URI
_PROOF, _DIGEST = 16, 5  # octets; the digest need only tell the few contacts of one device from each other


@dataclass(frozen=True, slots=True)
class ContactName:
    """What a token says."""

    aor: str
    digest: bytes

    def means(self, contact: str) -> bool:
        return self.digest == _digest(self.aor, contact)


class ContactTokens:
    """Makes and reads tokens. `secret` is asked each time: replicas agree on one while they run."""

    def __init__(self, secret: Callable[[], bytes]) -> None:
        self._secret = secret

    def sign(self, aor: str, contact: str) -> str:
        """The same for the same contact, so that a carrier sees one that is refreshed and not a new one."""
        named = _digest(aor, contact) + aor.encode()
        return base64.b32encode(self._proof(named) + named).decode().rstrip("=").lower()

    def read(self, token: str) -> ContactName | None:
        """What a token says; None for one that we did not make."""
        try:
            # base32: some systems write parameters in capitals, and RFC 3261 19.1.4 lets them
            octets = base64.b32decode(token.upper() + "=" * (-len(token) % 8))
            aor = octets[_PROOF + _DIGEST :].decode()
        except (binascii.Error, ValueError):
            return None
        proof, named = octets[:_PROOF], octets[_PROOF:]
        if not hmac.compare_digest(proof, self._proof(named)):
            return None
        return ContactName(aor, named[:_DIGEST])

    def _proof(self, named: bytes) -> bytes:
        # a purpose of its own: the same secret makes the nonces
        return hmac.digest(self._secret(), b"contact\n" + named, hashlib.sha256)[:_PROOF]


def token_of(uri: SipUri) -> str | None:
    return uri.param(PARAMETER)


def contact_of_ours(contact: SipUri, token: str, transport: Transport, address: Address) -> SipUri:
    """What the carrier gets to see: the device's user, as some carriers look at it, at our address."""
    if contact.scheme == "sips" and transport == "tls":
        params: tuple[tuple[str, str | None], ...] = ((PARAMETER, token),)
    else:
        contact = replace(contact, scheme="sip")
        params = (("transport", transport), (PARAMETER, token))
    host = f"[{address.host}]" if ":" in address.host else address.host
    return SipUri(contact.scheme, contact.user, None, host, address.port, params)


def _digest(aor: str, contact: str) -> bytes:
    return hashlib.sha256(f"{aor}\n{contact}".encode("utf-8", "surrogateescape")).digest()[:_DIGEST]
