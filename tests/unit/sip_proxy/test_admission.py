"""The door: what is answered at once, and who comes in."""

import hashlib
from typing import Any

import pytest

from shared.accounts import sip_account
from shared.digest import ha1
from shared.events import ChallengeResponseFailed, ChallengeSent, InvalidAccountID, InvalidPassword
from sip_proxy.accounts import Account, Accounts
from sip_proxy.admission import Admitted, Door, Reply
from sip_proxy.auth import Authenticator
from sip_proxy.carriers.carriers import Carriers
from sip_proxy.carriers.contact_tokens import ContactTokens
from sip_proxy.carriers.gate import Gate
from sip_proxy.sip.digest import NONCE_LIFETIME_S, make_nonce
from sip_proxy.sip.message import Request
from tests.unit.sip_proxy.builders import AT, FROM_ALICE, SITE, request

SECRET = b"s" * 32
ACCOUNTS = Accounts(
    [
        Account.of(sip_account("alice", "vqm", "correct horse")),
        Account.of(sip_account("s123", "vqm", "secret", users=("0501234567",))),
    ]
)


@pytest.fixture
def door() -> Door:
    gate = Gate(SITE, Carriers(), ContactTokens(lambda: SECRET))
    return Door(SITE, Authenticator(ACCOUNTS, "vqm", SECRET), {"999": "echo"}, gate)


def credentials(
    method: str = "INVITE", user: str = "alice", password: str = "correct horse", made_at: float = AT, **changes: Any
) -> tuple[str, str]:
    nonce = changes.get("nonce", make_nonce(SECRET, made_at, "vqm"))
    ha2 = hashlib.md5(f"{method}:sip:bob@example.com".encode()).hexdigest()
    proof = hashlib.md5(f"{ha1(user, 'vqm', password)}:{nonce}:00000001:c:auth:{ha2}".encode()).hexdigest()
    value = (
        f'Digest username="{user}", realm="vqm", nonce="{nonce}", uri="sip:bob@example.com", '
        f'response="{proof}", '
        'qop=auth, nc=00000001, cnonce="c"'
    )
    return changes.get("header", "Proxy-Authorization"), value


def reply(verdict: Reply | Admitted) -> Reply:
    assert isinstance(verdict, Reply)
    return verdict


def admit(door: Door, message: Request) -> Reply | Admitted:
    return door.admit(message, FROM_ALICE, AT)


def test_a_stranger_is_challenged_as_by_a_proxy(door: Door) -> None:
    verdict = reply(admit(door, request()))

    assert verdict.response.status == 407
    assert "Proxy-Authenticate" in verdict.response.headers
    assert [type(event) for event in verdict.events] == [ChallengeSent]


@pytest.mark.parametrize(("method", "uri"), [("REGISTER", "sip:example.com"), ("INVITE", "sip:999@example.com")])
def test_where_we_answer_ourselves_the_challenge_is_401(door: Door, method: str, uri: str) -> None:
    assert reply(admit(door, request(method, uri))).response.status == 401


@pytest.mark.parametrize("header", ["Proxy-Authorization", "Authorization"])
def test_right_credentials_come_in_whatever_their_header(door: Door, header: str) -> None:
    verdict = admit(door, request("INVITE", "sip:bob@example.com", credentials(header=header)))

    assert isinstance(verdict, Admitted)
    assert verdict.account is not None
    assert verdict.account.name == "alice"
    assert verdict.events == ()  # whether it is the first use of its nonce is looked up later


@pytest.mark.parametrize(
    ("changes", "event"),
    [
        ({"password": "wrong"}, InvalidPassword),
        ({"user": "mallory"}, InvalidAccountID),
        ({"nonce": "1234"}, ChallengeResponseFailed),
        ({"method": "REGISTER"}, InvalidPassword),  # stolen from another request
    ],
)
def test_wrong_credentials_are_challenged_again(door: Door, changes: dict[str, Any], event: type[object]) -> None:
    verdict = reply(admit(door, request("INVITE", "sip:bob@example.com", credentials(**changes))))

    assert verdict.response.status == 407
    assert "stale" not in (verdict.response.headers.get("Proxy-Authenticate") or "")
    assert [type(told) for told in verdict.events] == [event]


def test_a_nonce_that_was_ours_is_stale_only_for_who_knows_the_password(door: Door) -> None:
    old = AT - NONCE_LIFETIME_S - 1

    knows = reply(admit(door, request("INVITE", "sip:bob@example.com", credentials(made_at=old))))
    guesses = reply(admit(door, request("INVITE", "sip:bob@example.com", credentials(made_at=old, password="x"))))

    assert "stale=true" in (knows.response.headers.get("Proxy-Authenticate") or "")
    assert "stale" not in (guesses.response.headers.get("Proxy-Authenticate") or "")


def test_an_auth_user_may_own_another_address() -> None:
    owner = ACCOUNTS.find("s123")

    assert owner is not None
    assert owner.users == {"0501234567"}
    assert ACCOUNTS.owns_user("0501234567")
    assert not ACCOUNTS.owns_user("s123")


def test_a_repeated_request_gets_the_same_answer(door: Door) -> None:
    first, again = (reply(admit(door, request())).response for _ in range(2))

    assert first.to().tag == again.to().tag


def test_answers_to_strangers_are_not_much_larger_than_their_questions(door: Door) -> None:
    for message in (request(), request("OPTIONS", "sip:example.com"), request("REGISTER", "sip:example.com")):
        answer = reply(admit(door, message)).response

        assert len(answer.encode()) < 2 * len(message.encode())


@pytest.mark.parametrize(
    ("message", "status"),
    [
        (request("INVITE", "tel:+39050"), 416),
        (request("INVITE", "sip:bob@example.com", max_forwards=0), 483),
        (request("INVITE", "sip:bob@example.com", ("Proxy-Require", "x, y")), 420),
        (request("SUBSCRIBE", "sip:bob@example.com"), 489),
        (request("PUBLISH", "sip:bob@example.com"), 489),
        (request("BYE", "sip:bob@example.com"), 481),
        (request("OPTIONS", "sip:example.com"), 200),
        (request("OPTIONS", "sip:999@example.com", max_forwards=0), 200),
        (request("OPTIONS", "sip:bob@example.com"), 407),
        (request("MESSAGE", "sip:999@example.com"), 405),
        (request("MESSAGE", "sip:example.com"), 405),
        (request("UNHEARD", "sip:example.com"), 501),
        (request("INVITE", "sip:example.com"), 407),
        (request("INVITE", "sip:bob@example.com", from_tag="x" * 300), 400),
        (request("INVITE", "sip:bob@example.com", ("Authorization", "Digest nonsense")), 400),
    ],
    ids=lambda value: repr(value) if isinstance(value, Request) else str(value),
)
def test_what_is_answered_at_once(door: Door, message: Request, status: int) -> None:
    assert reply(admit(door, message)).response.status == status


def test_what_is_required_and_unknown_is_named(door: Door) -> None:
    verdict = reply(admit(door, request("INVITE", "sip:bob@example.com", ("Proxy-Require", "x, y"))))

    assert verdict.response.headers.get_all("Unsupported") == ["x", "y"]


def test_requests_inside_dialogs_need_no_credentials(door: Door) -> None:
    assert admit(door, request("BYE", "sip:bob@10.0.0.9", to_tag="bob")) == Admitted()
