"""Session-Expires, as who answers an INVITE or UPDATE reads and writes it (RFC 4028 9 and Table 2)."""

import pytest

from sip_proxy.sip.session_interval import IntervalTooSmall, SessionInterval, confirmed, granted
from tests.unit.sip_proxy.builders import answer, request

TIMER = ("Supported", "100rel, timer")


def asked(value: str, *more: tuple[str, str]) -> SessionInterval | None:
    return granted(request("INVITE", "sip:999@example.com", ("Session-Expires", value), *more))


@pytest.mark.parametrize(
    ("wish", "refresher"), [("", "uac"), (";refresher=uac", "uac"), (";refresher=UAS", "uas"), (";refresher=me", "uac")]
)
def test_who_knows_timers_has_its_wish_and_refreshes_unless_it_says_otherwise(wish: str, refresher: str) -> None:
    interval = asked(f"1800{wish}", TIMER)

    assert interval is not None
    assert interval.headers() == (("Session-Expires", f"1800;refresher={refresher}"), ("Require", "timer"))


def test_who_does_not_know_timers_is_refreshed_and_nothing_is_required_of_it() -> None:
    interval = asked("1800;refresher=uac")

    assert interval is not None
    assert interval.headers() == (("Session-Expires", "1800;refresher=uas"),)


def test_too_short_is_refused_only_where_that_is_understood() -> None:
    with pytest.raises(IntervalTooSmall):
        asked("89", TIMER)
    raised = asked("89")

    assert raised is not None
    assert raised.interval_s == 90


@pytest.mark.parametrize("value", ["", "soon", "-5", "1.5", "99999999999", "90;refresher=uac;;", '90;x="'])
def test_what_is_malformed_counts_as_absent(value: str) -> None:
    assert asked(value, TIMER) is None


def test_the_answer_to_a_refresh_of_ours_says_how_it_goes_on() -> None:
    refresh = request("INVITE", "sip:999@example.com")

    same = confirmed(1800, answer(refresh, 200, headers=[("Session-Expires", "1800;refresher=uac")]))
    theirs = confirmed(1800, answer(refresh, 200, headers=[("Session-Expires", "1800;refresher=uas")]))
    tiny = confirmed(1800, answer(refresh, 200, headers=[("Session-Expires", "1")]))
    none = confirmed(1800, answer(refresh, 200))

    assert same is not None and theirs is not None and tiny is not None
    assert [(each.interval_s, each.refresher) for each in (same, theirs, tiny)] == [
        (1800, "uac"),
        (1800, "uas"),
        (90, "uac"),
    ]
    assert none is None
