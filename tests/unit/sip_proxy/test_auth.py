"""Digest authentication: what is proven, what is asked for, and what nobody can tell from the answer."""

import gc
import hashlib
import sys
from collections import Counter
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from shared.accounts import sip_account
from shared.digest import Algorithm, ha1
from shared.events import ChallengeResponseFailed, ChallengeSent, InvalidAccountID, InvalidPassword, SuccessfulAuth
from sip_proxy.accounts import Account, Accounts
from sip_proxy.auth import NO_COUNT_LIFETIME_S, Authenticated, Authenticator, Challenged
from sip_proxy.sip.digest import NONCE_LIFETIME_S, make_nonce
from sip_proxy.sip.message import Request
from tests.unit.sip_proxy.builders import AT, FROM_ALICE, request

SECRET = b"s" * 32
ONLY_SHA = Account("modern", {"SHA-256": ha1("modern", "vqm", "secret", "SHA-256")}, frozenset({"modern"}))
ACCOUNTS = Accounts([Account.of(sip_account("alice", "vqm", "secret")), ONLY_SHA])
BOB = "sip:bob@example.com"
HASHES: dict[str, Callable[[bytes], Any]] = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}


def authorization(
    user: str = "alice",
    password: str = "secret",
    method: str = "INVITE",
    uri: str = BOB,
    nonce: str | None = None,
    algorithm: Algorithm = "MD5",
    qop: str | None = 'qop=auth, nc=00000001, cnonce="c"',
) -> str:
    """Right unless told otherwise; `qop` is what the client writes about it."""
    nonce = make_nonce(SECRET, AT, "vqm") if nonce is None else nonce
    digest = HASHES[algorithm]
    ha2 = digest(f"{method}:{uri}".encode()).hexdigest()
    middle = nonce if qop is None else f"{nonce}:00000001:c:auth"
    proof = digest(f"{ha1(user, 'vqm', password, algorithm)}:{middle}:{ha2}".encode()).hexdigest()
    return (
        f'Digest username="{user}", realm="vqm", nonce="{nonce}", uri="{uri}", response="{proof}", '
        f"algorithm={algorithm}" + ("" if qop is None else f", {qop}")
    )


def check(
    message: Request, algorithms: tuple[Algorithm, ...] = ("MD5",), now: float = AT
) -> Authenticated | Challenged:
    return Authenticator(ACCOUNTS, "vqm", SECRET, algorithms).check(message, FROM_ALICE, now, as_proxy=True)


def invite(credentials: str, uri: str = BOB) -> Request:
    return request("INVITE", uri, ("Proxy-Authorization", credentials))


def challenged(outcome: Authenticated | Challenged) -> Challenged:
    assert isinstance(outcome, Challenged)
    return outcome


def test_right_credentials_are_proven_and_still_to_be_looked_up() -> None:
    outcome = check(invite(authorization()))

    assert isinstance(outcome, Authenticated)
    assert outcome.account.name == "alice"
    assert isinstance(outcome.event, SuccessfulAuth)
    assert outcome.use.count == 1
    assert outcome.use.key.endswith(":alice")
    assert outcome.use.ttl_s == pytest.approx(NONCE_LIFETIME_S)


def test_a_client_that_does_not_count_has_little_time() -> None:
    fresh = check(invite(authorization(qop=None)), now=AT + NO_COUNT_LIFETIME_S)
    late = challenged(check(invite(authorization(qop=None)), now=AT + NO_COUNT_LIFETIME_S + 1))

    assert isinstance(fresh, Authenticated)
    assert fresh.use.count == 0
    assert "stale=true" in late.headers[0][1]


@pytest.mark.parametrize(
    ("algorithms", "offered"),
    [
        (("MD5",), ["MD5"]),
        (("SHA-256",), ["SHA-256"]),
        (("MD5", "SHA-256"), ["MD5", "SHA-256"]),
        (("SHA-256", "MD5"), ["SHA-256", "MD5"]),
    ],
)
def test_each_algorithm_has_its_challenge_and_all_have_one_nonce(
    algorithms: tuple[Algorithm, ...], offered: list[str]
) -> None:
    headers = challenged(check(request(), algorithms)).headers

    assert [name for name, _ in headers] == ["Proxy-Authenticate"] * len(offered)
    assert [value.split("algorithm=")[1].split(",")[0] for _, value in headers] == offered
    assert len({value.split("nonce=")[1].split(",")[0] for _, value in headers}) == 1


@pytest.mark.parametrize(
    ("user", "algorithm", "algorithms", "good"),
    [
        ("alice", "SHA-256", ("MD5", "SHA-256"), True),
        ("alice", "SHA-256", ("MD5",), False),  # not asked for
        ("alice", "MD5", ("SHA-256",), False),  # the weaker one, against our will
        ("modern", "SHA-256", ("MD5", "SHA-256"), True),
        ("modern", "MD5", ("MD5", "SHA-256"), False),  # an account without that hash
    ],
)
def test_only_what_we_asked_for_and_the_account_has_is_good(
    user: str, algorithm: Algorithm, algorithms: tuple[Algorithm, ...], good: bool
) -> None:
    outcome = check(invite(authorization(user, algorithm=algorithm)), algorithms)

    assert isinstance(outcome, Authenticated if good else Challenged)


@pytest.mark.parametrize(
    ("uri", "good"),
    [
        ("sip:bob@example.com", True),
        ("sip:bob@example.com:5070", True),
        ("sips:bob@EXAMPLE.com;transport=tls", True),
        ("sip:%62ob@example.com", True),
        ("sip:example.com", True),  # the registrar
        ("sip:192.0.2.1:5060", True),  # the same by its address
        ("sip:carol@192.0.2.1", False),
        ("sip:carol@example.com", False),
        ("sip:bob@elsewhere.org", False),
        ("sip:elsewhere.org", False),
        ("tel:bob", False),
        ("/", False),
        ("", False),
    ],
)
def test_credentials_are_for_the_target_that_they_name(uri: str, good: bool) -> None:
    outcome = check(invite(authorization(uri=uri)))

    assert isinstance(outcome, Authenticated if good else Challenged)
    if isinstance(outcome, Challenged):
        assert isinstance(outcome.event, ChallengeResponseFailed)


@pytest.mark.parametrize(("uri", "good"), [("sip:bob@example.com", True), ("sip:carol@example.com", False)])
def test_a_register_may_name_its_to(uri: str, good: bool) -> None:
    credentials = authorization(method="REGISTER", uri=uri)

    outcome = check(request("REGISTER", "sip:192.0.2.1", ("Authorization", credentials)))

    assert isinstance(outcome, Authenticated if good else Challenged)


def test_the_to_of_an_invite_proves_nothing_about_its_target() -> None:
    # the To is as free to the sender as the target: credentials for one must not open another
    credentials = authorization(uri="sip:bob@example.com")

    assert isinstance(check(invite(credentials, "sip:0900123@example.com")), Challenged)


def test_a_use_that_was_there_before_is_told_and_may_be_tried_again() -> None:
    authenticator = Authenticator(ACCOUNTS, "vqm", SECRET)
    proof = authenticator.check(invite(authorization()), FROM_ALICE, AT, as_proxy=False)
    assert isinstance(proof, Authenticated)

    outcome = authenticator.replayed(proof, AT + 1)

    [(name, value)] = outcome.headers
    assert (outcome.status, name) == (401, "WWW-Authenticate")
    assert "stale=true" in value
    assert isinstance(outcome.event, ChallengeResponseFailed)
    assert outcome.event.account == "alice"


UNKNOWN_USER = authorization("mallory", "guess")
WRONG_PASSWORD = authorization("alice", "guess")


@pytest.mark.parametrize("algorithms", [("MD5",), ("MD5", "SHA-256")])
def test_an_unknown_user_cannot_be_told_from_a_wrong_password_by_the_answer(algorithms: tuple[Algorithm, ...]) -> None:
    unknown = challenged(check(invite(UNKNOWN_USER), algorithms))
    wrong = challenged(check(invite(WRONG_PASSWORD), algorithms))

    assert (unknown.status, unknown.headers) == (wrong.status, wrong.headers)
    assert isinstance(unknown.event, InvalidAccountID)
    assert isinstance(wrong.event, InvalidPassword)


def work_of(message: Request, algorithms: tuple[Algorithm, ...] = ("MD5", "SHA-256")) -> Counter[str]:
    """Every function that answering calls, Python's and C's, and how often."""
    authenticator = Authenticator(ACCOUNTS, "vqm", SECRET, algorithms)
    calls: Counter[str] = Counter()

    def note(frame: FrameType, event: str, argument: Any) -> None:
        if event == "call":
            calls[frame.f_code.co_qualname] += 1
        elif event == "c_call":
            calls[argument.__qualname__] += 1

    gc.disable()  # whoever is told of collections would be counted
    sys.setprofile(note)
    try:
        authenticator.check(message, FROM_ALICE, AT, as_proxy=True)
    finally:
        sys.setprofile(None)
        gc.enable()
    return calls


@pytest.mark.parametrize(
    ("user", "algorithm"), [("alice", "MD5"), ("alice", "SHA-256"), ("modern", "MD5"), ("modern", "SHA-256")]
)
def test_an_unknown_user_costs_the_same_work_as_a_wrong_password(user: str, algorithm: Algorithm) -> None:
    unknown = authorization("nobody", "guess", algorithm=algorithm)
    wrong = authorization(user, "guess", algorithm=algorithm)
    work_of(invite(unknown))  # what is only done once, such as filling caches

    assert work_of(invite(unknown)) == work_of(invite(wrong))


@pytest.mark.parametrize(
    "qop",
    [
        "qop=auth",
        "qop=auth, nc=00000001",
        'qop=auth, cnonce="c"',
        'qop=auth, nc=1, cnonce="c"',
        'qop=auth, nc=00000000, cnonce="c"',
        'qop=auth-int, nc=00000001, cnonce="c"',
    ],
)
def test_what_cannot_be_right_is_not_hashed(qop: str) -> None:
    """So does svcrack: qop without nc and cnonce."""
    assert work_of(invite(authorization()))["hashed"] == 2
    assert work_of(invite(authorization(qop=qop)))["hashed"] == 0


def test_a_nonce_that_is_not_ours_is_not_hashed() -> None:
    assert work_of(invite(authorization(nonce="0" * 46)))["hashed"] == 0


def test_a_stale_nonce_is_said_to_be_stale_only_to_who_knows_the_password() -> None:
    old = make_nonce(SECRET, AT - NONCE_LIFETIME_S - 1, "vqm")
    knows, guesses = (
        challenged(check(invite(authorization(password=word, nonce=old)))) for word in ("secret", "guess")
    )

    assert "stale=true" in knows.headers[0][1]
    assert isinstance(knows.event, ChallengeSent)
    assert "stale" not in guesses.headers[0][1]
