"""HTTP digest as SIP uses it (RFC 3261 22, RFC 2617, RFC 7616): challenges, credentials, stateless nonces.

Servers keep HA1 per algorithm, never the password. MD5 is what old gateways speak; nothing else is hashed with it.
"""

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass
from typing import Literal

from shared.digest import ALGORITHMS, Algorithm, hashed
from sip_proxy.sip.errors import SipParseError
from sip_proxy.sip.grammar import QUOTED, TOKEN, quote, unquote

NonceState = Literal["ok", "stale", "bad"]

NONCE_LIFETIME_S = 300.0  # long enough for one call set-up over a slow link; a client learns a new one with stale=true
_NONCE_TIME_DIGITS = 14  # microseconds in hexadecimal; enough until the year 4253
_NONCE_PROOF_BYTES = 9  # 72 bits that can only be guessed at by asking us; short, as challenges go to strangers
_match_scheme = re.compile(rf"[ \t]*+({TOKEN})(?:[ \t]++|\Z)").match
# Separators are skipped in any number: empty elements and trailing commas are seen in the wild.
_match_param = re.compile(
    rf'[ \t,]*+({TOKEN})[ \t]*+=[ \t]*+({QUOTED}|[^\x00-\x20",\x7f]*+)[ \t]*+(?=,|\Z)', re.S
).match
_is_nonce_count = re.compile(r"[0-9A-Fa-f]{8}").fullmatch
_is_nonce_time = re.compile(r"[0-9a-f]{14}").fullmatch


@dataclass(frozen=True, slots=True)
class DigestCredentials:
    """What a client answers to a challenge. `uri`, `nonce` and `cnonce` are as written, without their quotes."""

    username: str
    realm: str
    nonce: str
    uri: str
    response: str
    algorithm: str = "MD5"
    qop: str | None = None
    nc: str | None = None
    cnonce: str | None = None
    opaque: str | None = None

    @property
    def nonce_count(self) -> int:
        """The use of the nonce that the client claims this is; 0 without qop."""
        return int(self.nc, 16) if self.nc is not None and _is_nonce_count(self.nc) else 0


def challenge(realm: str, nonce: str, algorithm: Algorithm = "MD5", *, stale: bool = False, qop: bool = True) -> str:
    """The value of one WWW-Authenticate or Proxy-Authenticate field. `qop=False` is for RFC 2069 clients."""
    offered = ', qop="auth"' if qop else ""
    expired = ", stale=true" if stale else ""
    return f'Digest realm={quote(realm)}, nonce="{nonce}", algorithm={algorithm}{offered}{expired}'


def parse_authorization(text: str) -> DigestCredentials | None:
    """The credentials in an Authorization or Proxy-Authorization value; None for a scheme other than Digest.

    Lenient about quotes, spaces and case, as clients are careless there; raises SipParseError for the rest.
    """
    scheme = _match_scheme(text)
    if scheme is None:
        raise SipParseError(400, "Malformed Credentials")
    if scheme[1].lower() != "digest":
        return None
    values = _parse_params(text, scheme.end())
    missing = {"username", "realm", "nonce", "uri", "response"} - values.keys()
    if missing:
        raise SipParseError(400, "Incomplete Credentials")
    return DigestCredentials(
        username=unquote(f'"{values["username"]}"'),
        realm=unquote(f'"{values["realm"]}"'),
        nonce=values["nonce"],
        uri=values["uri"],
        response=values["response"].lower(),
        algorithm=values.get("algorithm", "").upper() or "MD5",
        qop=values.get("qop", "").lower() or None,
        nc=values.get("nc") or None,
        cnonce=values.get("cnonce") or None,
        opaque=values.get("opaque"),
    )


def verify(credentials: DigestCredentials, method: str, ha1: str) -> bool:
    """Whether the response proves knowledge of HA1 (of the credentials' algorithm), in constant time.

    Refuses before hashing what cannot be right: an unknown algorithm or qop, or qop without a proper nc and a cnonce.
    """
    algorithm = credentials.algorithm
    if algorithm not in ALGORITHMS:
        return False
    if credentials.qop is None:
        middle = credentials.nonce  # RFC 2617 3.2.2.1, as RFC 2069 clients do
    elif credentials.qop == "auth" and credentials.nonce_count > 0 and credentials.cnonce is not None:
        middle = f"{credentials.nonce}:{credentials.nc}:{credentials.cnonce}:auth"
    else:
        return False
    ha2 = hashed(algorithm, f"{method}:{credentials.uri}")
    expected = hashed(algorithm, f"{ha1}:{middle}:{ha2}")
    return hmac.compare_digest(expected.encode(), credentials.response.encode("utf-8", "surrogateescape"))


def make_nonce(secret: bytes, now: float, realm: str) -> str:
    """A nonce that any node with the secret can check and nobody else can make (RFC 7616 3.3)."""
    time = f"{int(now * 1e6):0{_NONCE_TIME_DIGITS}x}"
    return time + _nonce_proof(secret, time, realm)


def check_nonce(secret: bytes, nonce: str, now: float, realm: str, lifetime_s: float = NONCE_LIFETIME_S) -> NonceState:
    """`bad` is not ours; `stale` was, but has expired: challenge again and say so."""
    time, proof = nonce[:_NONCE_TIME_DIGITS], nonce[_NONCE_TIME_DIGITS:]
    if not _is_nonce_time(time):
        return "bad"
    expected = _nonce_proof(secret, time, realm)
    if not hmac.compare_digest(expected.encode(), proof.encode("utf-8", "surrogateescape")):
        return "bad"
    return "ok" if now - made_at(nonce) <= lifetime_s else "stale"


def made_at(nonce: str) -> float:
    """When a nonce that proved to be ours was made, in seconds since 1970."""
    return int(nonce[:_NONCE_TIME_DIGITS], 16) / 1e6


def _nonce_proof(secret: bytes, time: str, realm: str) -> str:
    octets = f"{time}:{realm}".encode("utf-8", "surrogateescape")
    return base64.urlsafe_b64encode(keyed_hash(secret, octets, _NONCE_PROOF_BYTES)).decode()


def keyed_hash(secret: bytes, octets: bytes, size: int) -> bytes:
    """What only who knows the secret can make of these octets (RFC 7693 2.9), at a third of the time of an HMAC."""
    return hashlib.blake2b(octets, digest_size=size, key=secret).digest()


def _parse_params(text: str, at: int) -> dict[str, str]:
    """Names in lower case; the outer quotes removed, escapes kept: that is what both sides hash."""
    values: dict[str, str] = {}
    text = text.rstrip(" \t,")
    while at < len(text):
        found = _match_param(text, at)
        if found is None:
            raise SipParseError(400, "Malformed Credentials")
        name, value = found.groups()
        name = name.lower()
        if name in values:
            raise SipParseError(400, "Malformed Credentials")
        values[name] = value[1:-1] if value.startswith('"') else value
        at = found.end()
    return values
