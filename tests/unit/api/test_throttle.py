"""Guessing passwords gets slower with each guess."""

from api.throttle import AT_ONCE, FORGET_AFTER_S, LONGEST_DELAY_S, Throttle


def test_each_failure_waits_longer_up_to_a_limit():
    throttle = Throttle()

    delays = [throttle.failed("192.0.2.1", now=float(moment)) for moment in range(8)]

    assert delays == [0.25, 0.5, 1.0, 2.0, 4.0, 4.0, 4.0, 4.0]
    assert max(delays) == LONGEST_DELAY_S


def test_addresses_do_not_pay_for_each_other():
    throttle = Throttle()
    throttle.failed("192.0.2.1", 0.0)

    assert throttle.failed("192.0.2.2", 0.0) == 0.25


def test_a_success_and_a_quiet_while_forgive():
    throttle = Throttle()
    throttle.failed("192.0.2.1", 0.0)
    throttle.failed("192.0.2.1", 1.0)

    assert throttle.failed("192.0.2.1", 2.0 + FORGET_AFTER_S) == 0.25
    throttle.succeeded("192.0.2.1")
    assert throttle.failed("192.0.2.1", 3.0 + FORGET_AFTER_S) == 0.25


def test_one_address_cannot_try_without_limit_at_once():
    throttle = Throttle()

    assert [throttle.enter("192.0.2.1") for _ in range(AT_ONCE + 1)] == [True] * AT_ONCE + [False]
    assert throttle.enter("192.0.2.2")
    throttle.leave("192.0.2.1")
    assert throttle.enter("192.0.2.1")
