"""Guessing passwords gets slower with each guess, and then stops; the user himself still comes in."""

import pytest

from api.throttle import AT_ONCE, FAILURES_MAX, FORGET_AFTER_S, KEPT, LONGEST_DELAY_S, Throttle, source_of

HERE = "192.0.2.1"


def fail(throttle: Throttle, source: str, username: str, times: int = FAILURES_MAX, now: float = 0.0) -> None:
    for _ in range(times):
        throttle.failed(source, username, now)


def test_each_failure_waits_longer_up_to_a_limit():
    throttle = Throttle()

    delays = [throttle.failed(HERE, "marta", now=float(moment)) for moment in range(8)]

    assert delays == [0.25, 0.5, 1.0, 2.0, 4.0, 4.0, 4.0, 4.0]
    assert max(delays) == LONGEST_DELAY_S


def test_sources_do_not_pay_for_each_other():
    throttle = Throttle()
    throttle.failed(HERE, "marta", 0.0)

    assert throttle.failed("192.0.2.2", "luca", 0.0) == 0.25


def test_a_quiet_while_forgives():
    throttle = Throttle()
    fail(throttle, HERE, "marta")

    assert throttle.enter(HERE, "luca", FORGET_AFTER_S - 1) == 1
    assert throttle.enter(HERE, "luca", FORGET_AFTER_S) is None
    assert throttle.failed(HERE, "marta", FORGET_AFTER_S + 1) == 0.25


def test_a_right_password_of_ones_own_does_not_forgive_guesses_at_others():
    throttle = Throttle()
    fail(throttle, HERE, "marta", FAILURES_MAX - 1)

    throttle.succeeded(HERE, "luca")
    throttle.failed(HERE, "marta", 0.0)

    assert throttle.enter(HERE, "marta", 0.0) == FORGET_AFTER_S


def test_a_source_may_fail_so_often_whoever_it_says_it_is():
    throttle = Throttle()
    for number in range(FAILURES_MAX):
        assert throttle.enter(HERE, f"user{number}", 0.0) is None
        throttle.leave(HERE)
        throttle.failed(HERE, f"user{number}", 0.0)

    assert throttle.enter(HERE, "marta", 0.0) == FORGET_AFTER_S
    assert throttle.enter("192.0.2.2", "marta", 0.0) is None


def test_a_user_may_be_guessed_at_so_often_from_wherever():
    throttle = Throttle()
    for number in range(FAILURES_MAX):
        fail(throttle, f"198.51.100.{number}", "marta", times=1)

    assert throttle.enter("198.51.100.99", "marta", 0.0) == FORGET_AFTER_S
    assert throttle.enter("198.51.100.99", "luca", 0.0) is None


def test_guesses_from_elsewhere_do_not_keep_a_user_out_where_he_has_been():
    throttle = Throttle()
    throttle.succeeded(HERE, "marta")
    for number in range(FAILURES_MAX):
        fail(throttle, f"198.51.100.{number}", "marta", times=1)

    assert throttle.enter(HERE, "marta", 0.0) is None


def test_one_source_cannot_try_without_limit_at_once():
    throttle = Throttle()

    assert [throttle.enter(HERE, "marta", 0.0) for _ in range(AT_ONCE + 1)] == [None] * AT_ONCE + [LONGEST_DELAY_S]
    assert throttle.enter("192.0.2.2", "marta", 0.0) is None
    throttle.leave(HERE)
    assert throttle.enter(HERE, "marta", 0.0) is None


def test_what_is_remembered_is_limited_and_the_oldest_is_forgotten():
    throttle = Throttle()
    fail(throttle, HERE, "marta")
    for number in range(KEPT):
        throttle.failed(f"source{number}", f"user{number}", 0.0)

    assert throttle.enter(HERE, "marta", 0.0) is None


@pytest.mark.parametrize(
    ("address", "source"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("testclient", "testclient"),
    ],
)
def test_a_source_is_what_one_customer_can_choose_from(address, source):
    assert source_of(address) == source
