"""What HTTP digest makes of a password (RFC 7616 3.4): servers keep HA1 per algorithm, never the password itself."""

import hashlib
from typing import Literal

Algorithm = Literal["MD5", "SHA-256"]
ALGORITHMS: tuple[Algorithm, ...] = ("MD5", "SHA-256")

_HASHES = {"MD5": "md5", "SHA-256": "sha256"}  # MD5 is what old gateways speak; nothing else is hashed with it


def hashed(algorithm: str, text: str) -> str:
    """H() of RFC 7616 3.3, in hexadecimal."""
    octets = text.encode("utf-8", "surrogateescape")
    return hashlib.new(_HASHES[algorithm], octets, usedforsecurity=False).hexdigest()


def ha1(user: str, realm: str, password: str, algorithm: Algorithm = "MD5") -> str:
    """RFC 7616 3.4.2: the secret that a server keeps instead of the password."""
    return hashed(algorithm, f"{user}:{realm}:{password}")
