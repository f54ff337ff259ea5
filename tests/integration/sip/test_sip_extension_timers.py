"""Calls with an extension that end by the clock: session timers (RFC 4028), and a worker that never speaks."""

import time
from collections.abc import AsyncIterator

import pytest

from shared.events import CallEnded
from sip_proxy.sip.sdp import SessionDescription
from tests.conftest import BrokerProcess
from tests.integration.sip.conftest import System, running
from tests.integration.sip.phone import Call, Phone, sdp
from tests.integration.sip.test_sip_extensions import answered
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

TIMER = "Supported: timer"


class Clock:
    """The proxy's, which a test may put forward."""

    ahead_s = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def system(broker: BrokerProcess, clock: Clock) -> AsyncIterator[System]:
    async with running(broker, now=clock, media_timeout_s=86400) as system:
        yield system


async def timed(phone: Phone, *headers: str) -> tuple[Call, list[str], str | None]:
    """An acknowledged call: what the answer requires, and its Session-Expires."""
    await phone.invite("999", *headers, body=sdp(4000))
    answer = await phone.response("INVITE")
    assert answer.status == 200
    call = phone.caller_side(answer)
    phone.send(phone.in_dialog("ACK", call))
    return call, answer.headers.get_all("Require"), answer.headers.get("Session-Expires")


async def ended(system: System, phone: Phone) -> CallEnded:
    """The proxy has hung up."""
    phone.send(phone.answer(await phone.request("BYE"), 200))
    [event] = await system.hears(CallEnded)
    return event


@pytest.mark.parametrize(
    ("headers", "required", "session_expires"),
    [
        ((TIMER, "Session-Expires: 1800"), ["timer"], "1800;refresher=uac"),
        ((TIMER, "x: 1800;refresher=uac"), ["timer"], "1800;refresher=uac"),
        ((TIMER, "Session-Expires: 1800;refresher=uas"), ["timer"], "1800;refresher=uas"),
        (("Require: timer", "Session-Expires: 90"), ["timer"], "90;refresher=uac"),
        (("Session-Expires: 1800",), [], "1800;refresher=uas"),
        ((TIMER,), [], None),
        ((TIMER, "Session-Expires: soon"), [], None),
    ],
)
async def test_the_session_timer_of_the_caller_is_granted(
    system: System, headers: tuple[str, ...], required: list[str], session_expires: str | None
) -> None:
    phone = await system.phone()

    _, requires, granted = await timed(phone, *headers)

    assert (requires, granted) == (required, session_expires)


async def test_too_short_an_interval_is_422_also_in_a_call_and_the_caller_may_try_again(system: System) -> None:
    phone = await system.phone()

    await phone.invite("999", TIMER, "Session-Expires: 89", body=sdp(4000), call_id="try-again")
    refused = await phone.response("INVITE")
    call, _, granted = await timed(phone, TIMER, "Session-Expires: 90")
    phone.send(phone.in_dialog("UPDATE", call, TIMER, "Session-Expires: 30"))
    refused_later = await phone.response("UPDATE")

    assert (refused.status, refused.headers.get("Min-SE")) == (422, "90")
    assert (refused_later.status, refused_later.headers.get("Min-SE")) == (422, "90")
    assert granted == "90;refresher=uac"


async def test_a_caller_that_does_not_refresh_gets_a_bye_before_the_session_expires(
    system: System, clock: Clock
) -> None:
    phone = await system.phone()
    await timed(phone, TIMER, "Session-Expires: 90")

    clock.ahead_s = 60  # 90 s less a third

    event = await ended(system, phone)
    assert (event.hangup_by, event.reason) == ("proxy", "the session was not refreshed")


@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
async def test_a_refresh_starts_the_session_anew(system: System, clock: Clock, method: str) -> None:
    phone = await system.phone()
    call, _, _ = await timed(phone, TIMER, "Session-Expires: 90")
    clock.ahead_s = 50
    body = sdp(4000) if method == "INVITE" else b""

    phone.send(phone.in_dialog(method, call, TIMER, "Session-Expires: 90;refresher=uac", body=body))
    refreshed = await phone.response(method)
    if method == "INVITE":
        phone.send(phone.in_dialog("ACK", call))
    clock.ahead_s = 100
    phone.send(phone.in_dialog("OPTIONS", call))
    still_there = await phone.response("OPTIONS")
    clock.ahead_s = 110 + 1

    assert refreshed.headers.get("Session-Expires") == "90;refresher=uac"
    assert (refreshed.status, still_there.status) == (200, 200)
    assert (await ended(system, phone)).reason == "the session was not refreshed"


async def test_a_refresh_without_a_timer_ends_the_timer(system: System, clock: Clock) -> None:
    phone = await system.phone()
    call, _, _ = await timed(phone, TIMER, "Session-Expires: 90")

    phone.send(phone.in_dialog("UPDATE", call))
    assert (await phone.response("UPDATE")).headers.get("Session-Expires") is None

    record = await system.state.get(f"vqm:call:{call.call_id}")
    assert record is not None and '"session_timer":null' in record


async def test_we_refresh_where_the_caller_wants_us_to(system: System, clock: Clock) -> None:
    phone = await system.phone()
    call, _, _ = await timed(phone, TIMER, "Session-Expires: 90;refresher=uas")
    clock.ahead_s = 46

    refresh = await phone.request("INVITE")
    phone.send(phone.in_dialog("INVITE", call, body=sdp(4000)))
    crossing = await phone.response("INVITE")
    phone.send(phone.answer(refresh, 200, "Session-Expires: 90;refresher=uac", body=sdp(4444)))
    ack = await phone.request("ACK")

    assert (refresh.headers.get("Session-Expires"), refresh.uri) == ("90;refresher=uac", phone.contact)
    assert refresh.headers.get_all("Supported") == ["timer"]
    assert SessionDescription.parse(refresh.body).audio[0].port == (await system.media())[0].legs[0].port
    assert crossing.status == 491
    assert (ack.cseq.number, ack.uri) == (refresh.cseq.number, phone.contact)

    async def learned() -> bool:
        return (await system.media())[0].legs[0].remote_port == 4444

    await wait_until(learned, "the answer to our offer is learned")
    clock.ahead_s = 46 + 46
    again = await phone.request("INVITE")
    assert again.cseq.number == refresh.cseq.number + 1


@pytest.mark.parametrize(("status", "stays"), [(481, False), (408, False), (491, True), (488, True)])
async def test_a_refused_refresh_ends_the_call_only_where_the_caller_does_not_know_it(
    system: System, clock: Clock, status: int, stays: bool
) -> None:
    phone = await system.phone()
    call, _, _ = await timed(phone, TIMER, "Session-Expires: 90;refresher=uas")
    clock.ahead_s = 46

    phone.send(phone.answer(await phone.request("INVITE"), status))
    await phone.request("ACK")

    if stays:
        phone.send(phone.in_dialog("OPTIONS", call))
        assert (await phone.response("OPTIONS")).status == 200
        clock.ahead_s = 60
    reason = "the session was not refreshed" if stays else "the caller does not know the call any more"
    assert (await ended(system, phone)).reason == reason


async def test_a_refresh_that_nobody_answers_ends_the_call(system: System, clock: Clock) -> None:
    phone = await system.phone()
    await timed(phone, TIMER, "Session-Expires: 90;refresher=uas")

    clock.ahead_s = 46

    assert (await ended(system, phone)).reason == "no answer to the session refresh"


async def test_996_ends_also_when_its_worker_never_speaks(system: System, clock: Clock) -> None:
    phone = await system.phone()
    await answered(phone, "996")

    clock.ahead_s = 61

    event = await ended(system, phone)
    assert (event.hangup_by, event.reason) == ("proxy", "the result was not spoken in time")


async def test_a_proxy_that_starts_again_still_keeps_the_deadline(broker: BrokerProcess, clock: Clock) -> None:
    async with running(broker, now=clock) as first:
        phone = await first.phone()
        call, _, _ = await timed(phone, TIMER, "Session-Expires: 90")
        clock.ahead_s = 61

        async with running(broker, now=clock, flush=False) as second:
            [event] = await second.hears(CallEnded)

    assert (event.call_id, event.reason) == (call.call_id, "the session was not refreshed")
