"""Digest authentication of requests (RFC 3261 22): who it is, or the challenge. No I/O: accounts are in memory and
nonces prove themselves, so that an unauthenticated request costs neither state nor a look-up."""

from dataclasses import dataclass
from typing import Any

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
from sip_proxy.sip.digest import (
    DigestCredentials,
    challenge,
    check_nonce,
    ha1,
    make_nonce,
    parse_authorization,
    verify,
)
from sip_proxy.sip.message import Request
from sip_proxy.texts import clean, clean_or_none


@dataclass(frozen=True, slots=True)
class Authenticated:
    account: Account
    event: Event


@dataclass(frozen=True, slots=True)
class Challenged:
    """Answer with this status and header field."""

    status: int
    header: tuple[str, str]
    event: Event
    nonce: str  # the one that is given now
    answered: str | None = None  # the one that the credentials are made with

    @property
    def is_failure(self) -> bool:
        """Whether the credentials were wrong, and not only missing or old."""
        return isinstance(self.event, InvalidAccountID | InvalidPassword)


class Authenticator:
    """Checks credentials. `secret` makes the nonces; it may be replaced while running."""

    def __init__(self, accounts: Accounts, realm: str, secret: bytes) -> None:
        self.secret = secret
        self._accounts = accounts
        self._realm = realm
        # An account that does not exist is hashed like one that does: the answer takes equally long.
        self._nobody = Account("", {"MD5": ha1("", realm, ""), "SHA-256": ha1("", realm, "", "SHA-256")}, frozenset())

    def check(self, request: Request, flow: Flow, now: float, *, as_proxy: bool) -> Authenticated | Challenged:
        """`as_proxy` asks with 407, else 401; either header field is good as an answer.

        Raises:
            SipParseError: credentials that cannot be read.
        """
        credentials = self._credentials(request)
        facts: dict[str, Any] = {
            "at": now,
            "source": str(flow.remote),
            "transport": flow.transport,
            "method": clean(request.method, 64),
            "call_id": clean(request.call_id, 512),
            "account": None if credentials is None else clean_or_none(credentials.username),
        }
        if credentials is None:
            return self._challenge(as_proxy, now, ChallengeSent(**facts), None)
        state = check_nonce(self.secret, credentials.nonce, now, self._realm)
        account = self._accounts.find(credentials.username)
        proven = self._proves(credentials, request.method, account or self._nobody)
        if state == "bad":
            return self._challenge(as_proxy, now, ChallengeResponseFailed(**facts, reason="unknown nonce"), credentials)
        if account is None:
            return self._challenge(as_proxy, now, InvalidAccountID(**facts), credentials)
        if not proven:
            return self._challenge(as_proxy, now, InvalidPassword(**facts), credentials)
        if state == "stale":
            # RFC 7616 3.3: the client may try again by itself, the user need not be asked
            return self._challenge(as_proxy, now, ChallengeSent(**facts), credentials, stale=True)
        return Authenticated(account, SuccessfulAuth(**facts))

    def _proves(self, credentials: DigestCredentials, method: str, account: Account) -> bool:
        for algorithm, digest in account.ha1.items():
            if algorithm == credentials.algorithm:
                return verify(credentials, method, digest)
        return False

    def _credentials(self, request: Request) -> DigestCredentials | None:
        for name in ("Proxy-Authorization", "Authorization"):
            for value in request.headers.get_all(name):
                credentials = parse_authorization(value)
                if credentials is not None and credentials.realm == self._realm:
                    return credentials
        return None

    def _challenge(
        self, as_proxy: bool, now: float, event: Event, answer: DigestCredentials | None, *, stale: bool = False
    ) -> Challenged:
        nonce = make_nonce(self.secret, now, self._realm)
        value = challenge(self._realm, nonce, stale=stale)
        answered = None if answer is None else answer.nonce
        if as_proxy:
            return Challenged(407, ("Proxy-Authenticate", value), event, nonce, answered)
        return Challenged(401, ("WWW-Authenticate", value), event, nonce, answered)
