"""The response context: RFC 3261 16.7 to 16.10."""

import pytest

from sip_proxy.effects import ClientKey, Failure
from sip_proxy.routing.forking import (
    Abandon,
    CancelBranch,
    Failover,
    Finished,
    Fork,
    ForkEffect,
    ForkEffects,
    Forward,
    RestartTimerC,
    StopTimerC,
    TryNext,
)
from sip_proxy.sip.message import Request, Response
from tests.unit.sip_proxy.builders import TO_BOB, answer, request

ONE, TWO = ClientKey("z9hG4bKone", "INVITE"), ClientKey("z9hG4bKtwo", "INVITE")


def branch_request(key: ClientKey, method: str = "INVITE") -> Request:
    sent = request(method)
    sent.headers.prepend("Via", f"SIP/2.0/UDP 192.0.2.1;branch={key.branch}")
    return sent


def fork(*keys: ClientKey, method: str = "INVITE") -> tuple[Fork, dict[ClientKey, Request]]:
    made = Fork(request(method), "ours")
    sent = {key: branch_request(key, method) for key in keys}
    for key, copy in sent.items():
        made.add(key, copy, TO_BOB)
    return made, sent


def upstream(effects: ForkEffects) -> list[Response]:
    return [effect.response for effect in effects if isinstance(effect, Forward)]


def cancelled(effects: ForkEffects) -> list[str]:
    return [effect.cancel.top_via().branch or "" for effect in effects if isinstance(effect, CancelBranch)]


def of(kind: type[ForkEffect], effects: ForkEffects) -> list[ForkEffect]:
    return [effect for effect in effects if isinstance(effect, kind)]


def test_responses_go_upstream_without_our_via() -> None:
    made, sent = fork(ONE)

    [ringing] = upstream(made.receive(ONE, answer(sent[ONE], 180)))
    [accepted] = upstream(made.receive(ONE, answer(sent[ONE], 200)))

    assert [via.branch for via in ringing.vias()] == ["z9hG4bKa"]
    assert (ringing.status, accepted.status) == (180, 200)


def test_a_100_stays_on_its_hop() -> None:
    made, sent = fork(ONE)

    assert upstream(made.receive(ONE, answer(sent[ONE], 100))) == []


def test_the_first_answer_cancels_the_other_branches() -> None:
    made, sent = fork(ONE, TWO)
    made.receive(ONE, answer(sent[ONE], 180))
    made.receive(TWO, answer(sent[TWO], 180))

    effects = made.receive(TWO, answer(sent[TWO], 200))
    end = made.receive(ONE, answer(sent[ONE], 487))

    assert [response.status for response in upstream(effects)] == [200]
    assert cancelled(effects) == [ONE.branch]
    assert upstream(end) == []
    assert of(Finished, end) == [Finished(answered=True)]


def test_a_second_answer_and_a_repeated_one_are_forwarded_too() -> None:
    made, sent = fork(ONE, TWO)

    made.receive(ONE, answer(sent[ONE], 200, "one"))
    late = made.receive(TWO, answer(sent[TWO], 200, "two"))
    again = made.receive(ONE, answer(sent[ONE], 200, "one"))

    assert [response.to().tag for response in (*upstream(late), *upstream(again))] == ["two", "one"]


@pytest.mark.parametrize(
    ("first", "second", "best"),
    [(486, 404, 486), (486, 401, 401), (500, 486, 486), (302, 486, 302), (603, 486, 603), (486, 603, 603)],
)
def test_the_best_refusal_goes_upstream_when_all_have_refused(first: int, second: int, best: int) -> None:
    made, sent = fork(ONE, TWO)

    early = upstream(made.receive(ONE, answer(sent[ONE], first)))
    final = upstream(made.receive(TWO, answer(sent[TWO], second)))

    assert early == []
    assert [response.status for response in final] == [best]


def test_a_603_cancels_the_rest() -> None:
    made, sent = fork(ONE, TWO)
    made.receive(TWO, answer(sent[TWO], 180))

    assert cancelled(made.receive(ONE, answer(sent[ONE], 603))) == [TWO.branch]


def test_challenges_of_all_branches_are_put_together() -> None:
    made, sent = fork(ONE, TWO)
    made.receive(ONE, answer(sent[ONE], 407, headers=[("Proxy-Authenticate", 'Digest realm="one", nonce="1"')]))

    [best] = upstream(
        made.receive(TWO, answer(sent[TWO], 407, headers=[("Proxy-Authenticate", 'Digest realm="two", nonce="2"')]))
    )

    assert len(best.headers.get_all("Proxy-Authenticate")) == 2


def test_a_503_of_a_target_is_not_our_own() -> None:
    made, sent = fork(ONE)

    [best] = upstream(made.receive(ONE, answer(sent[ONE], 503)))

    assert best.status == 500


def test_a_cancel_goes_to_a_branch_that_rings() -> None:
    made, sent = fork(ONE)
    made.receive(ONE, answer(sent[ONE], 180))

    effects = made.cancel()
    [terminated] = upstream(made.receive(ONE, answer(sent[ONE], 487)))

    assert cancelled(effects) == [ONE.branch]
    assert of(RestartTimerC, effects) == [RestartTimerC(ONE, after_cancel=True)]
    assert terminated.status == 487


def test_a_cancel_waits_for_the_first_sign_of_life() -> None:
    made, sent = fork(ONE)

    assert cancelled(made.cancel()) == []
    assert cancelled(made.receive(ONE, answer(sent[ONE], 100))) == [ONE.branch]
    assert cancelled(made.receive(ONE, answer(sent[ONE], 180))) == []  # once is enough


def test_an_answer_that_crosses_the_cancel_is_delivered() -> None:
    made, sent = fork(ONE)
    made.receive(ONE, answer(sent[ONE], 180))
    made.cancel()

    assert [response.status for response in upstream(made.receive(ONE, answer(sent[ONE], 200)))] == [200]


def test_a_cancelled_branch_that_never_answers_is_487() -> None:
    made, _ = fork(ONE)
    made.cancel()

    [own] = upstream(made.failed(ONE, "timeout"))

    assert (own.status, own.to().tag) == (487, "ours")


@pytest.mark.parametrize(("why", "status"), [("timeout", 408), ("transport", 503)])
def test_a_branch_that_fails_is_answered_by_us(why: str, status: int) -> None:
    made, _ = fork(ONE)

    effects = made.failed(ONE, "timeout" if why == "timeout" else "transport")

    assert [response.status for response in upstream(effects)] == [status]


def test_a_phone_that_rings_for_too_long_is_cancelled_and_then_given_up() -> None:
    made, sent = fork(ONE)
    made.receive(ONE, answer(sent[ONE], 180))

    first = made.timer_c(ONE)
    second = made.timer_c(ONE)

    assert cancelled(first) == [ONE.branch]
    assert of(Abandon, second) == [Abandon(ONE)]
    assert [response.status for response in upstream(second)] == [408]


def test_ringing_restarts_timer_c_and_the_end_stops_it() -> None:
    made, sent = fork(ONE)

    assert of(RestartTimerC, made.receive(ONE, answer(sent[ONE], 183))) == [RestartTimerC(ONE)]
    assert of(StopTimerC, made.receive(ONE, answer(sent[ONE], 200))) == [StopTimerC(ONE)]


def test_a_request_other_than_invite_that_times_out_is_not_answered() -> None:
    """RFC 4320 4.1: nobody waits any more."""
    key = ClientKey("z9hG4bKone", "BYE")
    made, _ = fork(key, method="BYE")

    assert made.failed(key, "timeout") == (Finished(answered=False),)


def test_the_next_targets_are_tried_when_all_before_have_refused() -> None:
    made, sent = fork(ONE)
    made.groups_left = 1

    first = made.receive(ONE, answer(sent[ONE], 486))
    made.add(TWO, branch_request(TWO), TO_BOB)
    second = made.receive(TWO, answer(branch_request(TWO), 200))

    assert of(TryNext, first) == [TryNext()]
    assert upstream(first) == []
    assert [response.status for response in upstream(second)] == [200]


def test_the_best_of_all_refusals_goes_upstream_after_the_last_target() -> None:
    made, sent = fork(ONE)
    made.groups_left = 1
    made.receive(ONE, answer(sent[ONE], 404))
    made.add(TWO, branch_request(TWO), TO_BOB)

    effects = made.receive(TWO, answer(branch_request(TWO), 486))

    assert [response.status for response in upstream(effects)] == [404]


@pytest.mark.parametrize("status", [200, 600, 603])
def test_no_further_target_is_tried_when_the_call_is_settled(status: int) -> None:
    made, sent = fork(ONE)
    made.groups_left = 1

    effects = made.receive(ONE, answer(sent[ONE], status))

    assert of(TryNext, effects) == []
    assert of(Finished, effects) == [Finished(answered=True)]


def test_a_cancelled_call_tries_nobody_else() -> None:
    made, sent = fork(ONE)
    made.groups_left = 1
    made.receive(ONE, answer(sent[ONE], 180))
    made.cancel()

    effects = made.receive(ONE, answer(sent[ONE], 487))

    assert [response.status for response in upstream(effects)] == [487]


def spare_fork() -> tuple[Fork, Request]:
    made, copy = Fork(request(), "ours"), branch_request(ONE)
    made.add(ONE, copy, TO_BOB, spare=True)
    return made, copy


def test_a_server_out_of_order_is_replaced_by_the_next() -> None:
    failures: tuple[Failure, ...] = ("timeout", "transport")
    for why in failures:
        made, _ = spare_fork()
        assert of(Failover, made.failed(ONE, why)) == [Failover(ONE)]
    made, copy = spare_fork()
    assert of(Failover, made.receive(ONE, answer(copy, 503))) == [Failover(ONE)]


def test_a_server_that_refuses_is_not_replaced() -> None:
    made, copy = spare_fork()

    effects = made.receive(ONE, answer(copy, 486))

    assert of(Failover, effects) == []
    assert [response.status for response in upstream(effects)] == [486]


def test_without_a_spare_a_503_goes_upstream_as_a_500() -> None:
    made, sent = fork(ONE)

    assert [response.status for response in upstream(made.receive(ONE, answer(sent[ONE], 503)))] == [500]


def test_a_server_without_a_sign_of_life_is_left_for_the_next_one() -> None:
    made = Fork(request(), "ours")
    made.add(ONE, branch_request(ONE), TO_BOB, spare=True)

    effects = made.overdue(ONE)

    assert of(Abandon, effects) == [Abandon(ONE)]
    assert of(Failover, effects) == [Failover(ONE)]


@pytest.mark.parametrize("method", ["INVITE", "REGISTER"])
def test_the_last_server_without_a_sign_of_life_is_a_503_while_the_caller_still_listens(method: str) -> None:
    key = ClientKey("z9hG4bKone", method)
    made, _ = fork(key, method=method)

    effects = made.overdue(key)

    assert [response.status for response in upstream(effects)] == [503]
    assert of(Abandon, effects) == [Abandon(key)]


@pytest.mark.parametrize("status", [100, 180, 486])
def test_a_server_that_said_something_is_not_overdue(status: int) -> None:
    made, sent = fork(ONE)
    made.receive(ONE, answer(sent[ONE], status))

    assert made.overdue(ONE) == ()
