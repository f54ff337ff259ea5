"""Come back later: ours, and that of others."""

import pytest

from sip_proxy.unavailable import make_retry_later, retry_after_s, retry_later
from tests.unit.sip_proxy.builders import answer, request


def test_what_we_made_of_a_response_is_what_we_would_have_said() -> None:
    response = answer(request(), 200, headers=[("Contact", "<sip:alice@10.0.0.7>;expires=60")])

    make_retry_later(response)

    expected = retry_later(request(), "bob")
    assert (response.status, response.reason) == (503, "Service Unavailable")
    assert response.headers.get("Retry-After") == expected.headers.get("Retry-After")
    assert "Contact" not in response.headers


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("120", 120),
        ("18000;duration=3600", 18000),
        ("30 (in a meeting)", 30),
        ("soon", None),
        ("99999999999", None),
    ],
)
def test_a_server_says_how_long_to_stay_away(value: str, expected: float | None) -> None:
    assert retry_after_s(answer(request(), 503, headers=[("Retry-After", value)])) == expected


def test_a_server_need_not_say_so() -> None:
    assert retry_after_s(answer(request(), 503)) is None
