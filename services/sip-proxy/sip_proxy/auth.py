"""Digest authentication of requests (RFC 3261 22): who it is, or the challenge. No I/O: accounts are in memory and
nonces prove themselves, so that an unauthenticated request costs neither state nor a look-up."""

from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from shared.broker import NonceUse
from shared.digest import ALGORITHMS, Algorithm, ha1
from shared.events import (
    ChallengeResponseFailed,
    ChallengeSent,
    Event,
    InvalidAccountID,
    InvalidPassword,
    SuccessfulAuth,
)
from sip_proxy.accounts import Account, Accounts
from sip_proxy.effects import Flow
from sip_proxy.facts import facts_of
from sip_proxy.sip.digest import (
    NONCE_LIFETIME_S,
    DigestCredentials,
    challenge,
    check_nonce,
    made_at,
    make_nonce,
    parse_authorization,
    verify,
)
from sip_proxy.sip.errors import SipParseError
from sip_proxy.sip.message import Request
from sip_proxy.sip.uri import OpaqueUri, parse_uri

log = structlog.get_logger(__name__)

NO_COUNT_LIFETIME_S = 30.0  # of a nonce whose user does not count its uses (RFC 2069): time to answer a challenge


@dataclass(frozen=True, slots=True)
class Authenticated:
    """Right credentials, provided that they are used for the first time: that is still to be looked up."""

    account: Account
    use: NonceUse
    event: SuccessfulAuth  # to tell when they are
    as_proxy: bool


@dataclass(frozen=True, slots=True)
class Challenged:
    """Answer with this status and these header fields."""

    status: int
    headers: tuple[tuple[str, str], ...]
    event: Event
    nonce: str  # the one that is given now
    answered: str | None = None  # the one that the credentials are made with

    @property
    def is_failure(self) -> bool:
        """Whether the credentials were wrong, and not only missing or old."""
        return isinstance(self.event, InvalidAccountID | InvalidPassword)


class Authenticator:
    """Checks credentials. `secret` makes the nonces; it may be replaced while running.

    `algorithms` are those we ask for, in this order: old devices read only the first challenge.
    """

    def __init__(
        self, accounts: Accounts, realm: str, secret: bytes, algorithms: Sequence[Algorithm] = ALGORITHMS[:1]
    ) -> None:
        self.secret = secret
        self._accounts = accounts
        self._realm = realm
        self._algorithms = tuple(algorithms)
        # An account that does not exist is hashed like one that does: the answer takes equally long.
        self._nobody = Account("", {algorithm: ha1("", realm, "", algorithm) for algorithm in algorithms}, frozenset())

    def check(self, request: Request, flow: Flow, now: float, *, as_proxy: bool) -> Authenticated | Challenged:
        """`as_proxy` asks with 407, else 401; either header field is good as an answer.

        Raises:
            SipParseError: credentials that cannot be read.
        """
        credentials = self._credentials(request)
        facts = facts_of(request, flow, now, None if credentials is None else credentials.username)
        if credentials is None:
            return self._challenge(as_proxy, now, ChallengeSent(**facts), None)
        lifetime_s = NO_COUNT_LIFETIME_S if credentials.qop is None else NONCE_LIFETIME_S
        state = check_nonce(self.secret, credentials.nonce, now, self._realm, lifetime_s)
        if state == "bad":
            failed = ChallengeResponseFailed(**facts, reason="unknown nonce")
            return self._challenge(as_proxy, now, failed, credentials.nonce)
        if not _is_of(credentials.uri, request, flow):
            failed = ChallengeResponseFailed(**facts, reason="digest-uri of another request")
            return self._challenge(as_proxy, now, failed, credentials.nonce)
        account = self._accounts.find(credentials.username)
        proven = self._proves(credentials, request.method, account or self._nobody)
        if account is None:
            return self._challenge(as_proxy, now, InvalidAccountID(**facts), credentials.nonce)
        if not proven:
            return self._challenge(as_proxy, now, InvalidPassword(**facts), credentials.nonce)
        if state == "stale":
            # RFC 7616 3.3: the client may try again by itself, the user need not be asked
            return self._challenge(as_proxy, now, ChallengeSent(**facts), credentials.nonce, stale=True)
        key = f"vqm:nonce:{credentials.nonce}:{account.name}"
        use = NonceUse(key, credentials.nonce_count, made_at(credentials.nonce) + lifetime_s - now)
        return Authenticated(account, use, SuccessfulAuth(**facts), as_proxy)

    def replayed(self, proof: Authenticated, now: float) -> Challenged:
        """What somebody is told whose credentials were used before: an owner of the password goes on by himself."""
        facts = proof.event.model_dump(exclude={"type", "at"})
        failed = ChallengeResponseFailed(**facts, at=now, reason="nonce used before")
        return self._challenge(proof.as_proxy, now, failed, None, stale=True)

    def _proves(self, credentials: DigestCredentials, method: str, account: Account) -> bool:
        for algorithm, nobody in self._nobody.ha1.items():  # what we asked for, and nothing else
            if algorithm == credentials.algorithm:
                own = account.ha1.get(algorithm)
                return verify(credentials, method, own or nobody) and own is not None
        return False

    def _credentials(self, request: Request) -> DigestCredentials | None:
        for name in ("Proxy-Authorization", "Authorization"):
            for value in request.headers.get_all(name):
                credentials = parse_authorization(value)
                if credentials is not None and credentials.realm == self._realm:
                    return credentials
        return None

    def _challenge(
        self, as_proxy: bool, now: float, event: Event, answered: str | None, *, stale: bool = False
    ) -> Challenged:
        # RFC 8760 2.4: one field for each algorithm, of one nonce
        nonce = make_nonce(self.secret, now, self._realm)
        status, name = (407, "Proxy-Authenticate") if as_proxy else (401, "WWW-Authenticate")
        values = [challenge(self._realm, nonce, algorithm, stale=stale) for algorithm in self._algorithms]
        return Challenged(status, tuple((name, value) for value in values), event, nonce, answered)


def _is_of(text: str, request: Request, flow: Flow) -> bool:
    """Whether a digest-uri means this request (RFC 3261 22.4, RFC 7616 3.4.6): the user and the host of its
    Request-URI, whatever its scheme, port and parameters. Some phones write the registrar, by its domain or its
    address, or in a REGISTER the To."""
    if text == request.uri:
        return True
    try:
        uri = parse_uri(text).aor()
    except SipParseError:
        return False
    target, to = request.parsed_uri, request.to().target
    us = flow.local.host
    meant = {target.aor(), target.host.lower(), f"[{us}]" if ":" in us else us}
    if not isinstance(to, OpaqueUri):
        meant |= {to.host.lower(), to.aor() if request.method == "REGISTER" else ""}
    if uri in meant and uri != target.aor():
        log.debug("digest-uri is not the request's own", digest_uri=text, uri=request.uri)
    return uri in meant
