"""Services that should live are listed, whether or not they were ever heard."""

from api.services import EXPECTED, ServiceWatch
from shared.health import Heartbeat
from shared.testing import AT


def heartbeat(service: str = "sip-proxy", at: float = AT) -> Heartbeat:
    return Heartbeat(service=service, instance="one", at=at, started_at=AT, counters={"calls": 3})


def test_a_service_that_was_never_heard_is_missed():
    views = ServiceWatch().observe([])

    assert [(view.service, view.instance, view.alive) for view in views] == [(name, None, False) for name in EXPECTED]


def test_a_service_that_beats_lives():
    view = next(view for view in ServiceWatch().observe([heartbeat()]) if view.service == "sip-proxy")

    assert (view.alive, view.at, view.counters) == (True, AT, {"calls": 3})


def test_a_service_that_fell_silent_is_remembered():
    watch = ServiceWatch()
    watch.observe([heartbeat()])

    view = next(view for view in watch.observe([]) if view.service == "sip-proxy")

    assert (view.alive, view.at) == (False, AT)
