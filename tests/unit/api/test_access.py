"""Roles and scopes: what each may do."""

import pytest

from api.access import Caller


@pytest.mark.parametrize(
    ("caller", "may"),
    [
        (Caller.of_session("marta", "admin", "s"), {"read", "write", "admin", "metrics"}),
        (Caller.of_session("luca", "viewer", "s"), {"read", "metrics"}),
        (Caller.of_token("marta", "admin", "t", ["read"]), {"read"}),
        (Caller.of_token("marta", "admin", "t", ["write", "metrics"]), {"write", "metrics"}),
        (Caller.of_token("luca", "viewer", "t", ["read", "write", "admin"]), {"read"}),
    ],
)
def test_a_caller_may_do_what_both_his_role_and_his_token_allow(caller, may):
    assert {scope for scope in ("read", "write", "admin", "metrics") if caller.refusal(scope) is None} == may


def test_one_of_several_scopes_is_enough():
    assert Caller.of_token("marta", "admin", "t", ["metrics"]).refusal("metrics", "read") is None


def test_a_refusal_names_what_is_missing():
    assert "read or metrics" in str(Caller.of_token("marta", "admin", "t", ["write"]).refusal("read", "metrics"))
    assert "role admin" in str(Caller.of_session("luca", "viewer", "s").refusal("write"))
