"""Accounts, and the settings that decide which."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from shared.accounts import SEEDED, sip_account
from shared.accounts import seeded as seeded_accounts
from shared.digest import ha1
from sip_proxy.accounts import Account, Accounts, AccountsUnreadable, admissible, from_file, seeded
from sip_proxy.settings import SipProxySettings
from sip_proxy.sip.uri import parse_uri
from tests.unit.sip_proxy.builders import SITE


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("VQM_PROFILE", "VQM_SIP_ACCOUNTS_FILE", "VQM_ALLOW_SEEDED_ACCOUNTS"):
        monkeypatch.delenv(name, raising=False)


def test_the_seeded_accounts_own_their_names() -> None:
    accounts = seeded("vqm")

    for name, password in SEEDED:
        found = accounts.find(name)
        assert found is not None
        assert found.users == {name}
        assert found.ha1["MD5"] == ha1(name, "vqm", password)
    assert accounts.find("nobody") is None


def test_accounts_of_a_file_replace_the_seeded_ones(tmp_path: Path) -> None:
    path = tmp_path / "accounts.json"
    path.write_text(json.dumps([{"name": "s050", "password": "secret", "users": ["050", "051"]}]))

    accounts = from_file(path, "vqm")

    assert accounts.find("gateway-monitor") is None
    found = accounts.find("s050")
    assert found is not None
    assert found.users == {"050", "051"}


def test_limits_of_an_account_are_read_from_the_file_and_there_are_none_without(tmp_path: Path) -> None:
    path = tmp_path / "accounts.json"
    limits = {"max_calls": 4, "max_calls_per_day": 100, "allowed_prefixes": ["050", "+39"], "transports": ["tls"]}
    path.write_text(json.dumps([{"name": "a", "password": "x", **limits}, {"name": "b", "password": "x"}]))

    limited, free = (from_file(path, "vqm").find(name) for name in "ab")

    assert limited is not None
    assert free is not None
    assert (limited.max_calls, limited.max_calls_per_day, set(limited.transports)) == (4, 100, {"tls"})
    assert [limited.may_dial(number) for number in ("0501", "+391", "051", "")] == [True, True, False, False]
    assert (free.is_counted, set(free.transports), free.may_dial("0501")) == (False, {"udp", "tcp", "tls"}, False)


def test_a_file_may_hold_hashes_in_place_of_a_password(tmp_path: Path) -> None:
    path = tmp_path / "accounts.json"
    secret = ha1("s050", "vqm", "secret", "SHA-256")
    path.write_text(json.dumps([{"name": "s050", "ha1": {"SHA-256": secret}}]))

    found = from_file(path, "vqm").find("s050")

    assert found == Account("s050", {"SHA-256": secret}, frozenset({"s050"}))


@pytest.mark.parametrize(
    "text",
    [
        "nonsense",
        "{}",
        '[{"name": "x"}]',
        '[{"name": "", "password": "x"}]',
        '[{"name": "a", "password": "x", "transports": ["sctp"]}]',
        '[{"name": "x", "ha1": {"MD5": "x"}}]',
        '[{"name": "x", "ha1": {"CRC": "0123456789abcdef0123456789abcdef"}}]',
        '[{"name": "x", "password": "x", "ha1": {"MD5": "0123456789abcdef0123456789abcdef"}}]',
    ],
)
def test_a_file_of_another_shape_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "accounts.json"
    path.write_text(text)

    with pytest.raises(AccountsUnreadable, match=r"accounts\.json"):
        from_file(path, "vqm")


@pytest.mark.parametrize(("profile", "allowed", "refuses"), [("production", "", True), ("production", "true", False)])
def test_production_refuses_published_passwords_unless_told(
    monkeypatch: pytest.MonkeyPatch, profile: str, allowed: str, refuses: bool
) -> None:
    monkeypatch.setenv("VQM_PROFILE", profile)
    monkeypatch.setenv("VQM_ALLOW_SEEDED_ACCOUNTS", allowed)

    assert SipProxySettings().refuses_published_passwords is refuses
    assert SipProxySettings().model_copy(update={"profile": "default"}).refuses_published_passwords is False


def test_an_account_with_a_published_password_is_refused_whatever_its_name() -> None:
    published = [*seeded_accounts("vqm"), sip_account("office", "vqm", "WelcomeGW456")]
    own = sip_account("gateway-test", "vqm", "a password of one's own")

    found = admissible([*published, own], "vqm", refuses_published=True)

    assert found == [Account.of(own)]
    assert len(admissible(published, "vqm", refuses_published=False)) == 4


def test_an_account_of_another_realm_is_left_out() -> None:
    assert admissible([sip_account("office", "old", "secret")], "new", refuses_published=False) == []


def test_a_registration_is_stood_by_while_the_account_has_the_same_password_and_the_user() -> None:
    before = Account.of(sip_account("office", "vqm", "secret", users=("050", "051")))
    accounts = Accounts([before])

    accounts.replace([Account.of(sip_account("office", "vqm", "secret", users=("051",), max_calls=3))])
    kept = [accounts.stands_by(before.mark, user) for user in ("050", "051")]
    accounts.replace([Account.of(sip_account("office", "vqm", "another", users=("051",)))])

    assert kept == [False, True]
    assert not accounts.stands_by(before.mark, "051")


@pytest.mark.parametrize(
    ("value", "algorithms"),
    [
        ("MD5", ["MD5"]),
        ("SHA-256", ["SHA-256"]),
        ("MD5,SHA-256", ["MD5", "SHA-256"]),
        ("SHA-256,MD5", ["SHA-256", "MD5"]),
    ],
)
def test_algorithms_are_offered_in_the_order_given(
    monkeypatch: pytest.MonkeyPatch, value: str, algorithms: list[str]
) -> None:
    monkeypatch.setenv("VQM_DIGEST_ALGORITHMS", value)

    assert SipProxySettings().algorithms() == algorithms


@pytest.mark.parametrize(
    ("uri", "aor"),
    [
        ("sip:bob@10.0.0.1:5070;transport=udp", "bob@example.com"),
        ("sip:bob@welcomeitalia.it", "bob@example.com"),
        ("sip:b%6fb@example.com", "bob@example.com"),
        ("sip:example.com", "anonymous@example.com"),
    ],
)
def test_an_address_of_record_is_the_user_at_our_domain(uri: str, aor: str) -> None:
    assert SITE.aor_of(parse_uri(uri)) == aor


@pytest.mark.parametrize(
    "wrong",
    [
        {"impairment_jitter_ms": 20.1},  # more than the distance of the packets: they would overtake each other
        {"impairment_loss_percent": 101},
        {"impairment_seed": -1},
        {"language": "de"},
    ],
)
def test_what_997_and_996_cannot_do_is_refused_at_the_start(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        SipProxySettings(**wrong)
