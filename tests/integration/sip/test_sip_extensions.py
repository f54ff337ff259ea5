"""Calls to the test extensions over real UDP."""

import pytest

from shared.events import CallAnswered, CallEnded, CallRinging, CallStarted, CallUpdated, SipMessageSeen
from sip_proxy.sip.message import Response
from sip_proxy.sip.sdp import SessionDescription
from tests.integration.sip.conftest import PORTS, System
from tests.integration.sip.phone import Call, Phone, sdp
from tests.paper_worker import MEDIA_ADDRESS
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

STORY = (CallStarted, CallRinging, CallAnswered, CallEnded)


async def answered(phone: Phone, extension: str = "999", *headers: str, body: bytes | None = None) -> Call:
    """A call that the extension has answered and the phone has acknowledged."""
    await phone.invite(extension, *headers, body=sdp(4000) if body is None else body)
    answer = await phone.response("INVITE")
    assert answer.status == 200
    call = phone.caller_side(answer)
    phone.send(phone.in_dialog("ACK", call))
    return call


async def test_999_answers_with_the_ports_of_the_worker_and_the_caller_hangs_up(system: System) -> None:
    phone = await system.phone()

    await phone.invite("999", body=sdp(4000))
    await phone.response("INVITE", 100)
    ringing = await phone.response("INVITE", 180)
    answer = await phone.response("INVITE")
    call = phone.caller_side(answer)
    phone.send(phone.in_dialog("ACK", call))
    [media] = await system.media()
    phone.send(phone.in_dialog("BYE", call))
    goodbye = await phone.response("BYE")

    audio = SessionDescription.parse(answer.body).audio[0]
    assert answer.status == goodbye.status == 200
    assert ringing.to().tag == answer.to().tag
    assert (audio.address, audio.port) == (MEDIA_ADDRESS, media.legs[0].port)
    assert audio.port in PORTS
    assert media.mode == "echo"
    assert (media.legs[0].remote_address, media.legs[0].remote_port) == ("10.0.0.9", 4000)
    assert media.legs[0].signalling_address == "127.0.0.1"
    [ended] = await system.hears(CallEnded)
    assert (ended.hangup_by, ended.final_code) == ("caller", 200)
    assert [type(event) for event in system.outbox.events if isinstance(event, STORY)] == list(STORY)
    assert system.told(CallStarted)[0].extension == "999"
    assert system.told(CallAnswered)[0].codec == "PCMA"
    assert await system.media() == []


async def test_the_ladder_has_every_message_without_its_secrets(system: System) -> None:
    phone = await system.phone()

    call = await answered(phone)
    phone.send(phone.in_dialog("BYE", call))
    await phone.response("BYE")

    ladder = system.told(SipMessageSeen)
    steps = [(seen.direction, seen.method, seen.status) for seen in ladder]
    assert steps == [
        ("received", "INVITE", None),
        ("sent", "INVITE", 401),
        ("received", "ACK", None),
        ("received", "INVITE", None),
        ("sent", "INVITE", 100),
        ("sent", "INVITE", 180),
        ("sent", "INVITE", 200),
        ("received", "ACK", None),
        ("received", "BYE", None),
        ("sent", "BYE", 200),
    ]
    assert 'response="***"' in ladder[3].text or "response=***" in ladder[3].text
    assert {seen.call_id for seen in ladder} == {call.call_id}


async def test_an_invite_without_sdp_is_made_an_offer(system: System) -> None:
    phone = await system.phone()

    await phone.invite("999")
    answer = await phone.response("INVITE")
    offer = SessionDescription.parse(answer.body)
    phone.send(phone.in_dialog("ACK", phone.caller_side(answer), body=sdp(4000)))

    async def learned() -> bool:
        [media] = await system.media()
        return media.legs[0].remote_port == 4000

    await wait_until(learned, "the answer in the ACK")
    assert offer.audio[0].address == MEDIA_ADDRESS
    assert {"PCMA", "PCMU"} <= {known.encoding for known in offer.audio[0].formats}


async def test_no_provisional_response_where_it_would_have_to_be_reliable(system: System) -> None:
    phone = await system.phone()

    await answered(phone, "999", "Require: 100rel")

    assert system.told(CallRinging) == []


async def test_an_unknown_requirement_is_named(system: System) -> None:
    phone = await system.phone()

    await phone.invite("999", "Require: tomorrow", body=sdp(4000))
    refused = await phone.response("INVITE")

    assert (refused.status, refused.headers.get("Unsupported")) == (420, "tomorrow")


async def test_an_unknown_extension_is_404_only_with_credentials(system: System) -> None:
    phone = await system.phone()

    phone.send(phone.write("INVITE", f"sip:995@{phone.domain}", body=sdp(4000)))
    stranger = await phone.response("INVITE")
    await phone.invite("995", body=sdp(4000))
    known = await phone.response("INVITE")

    assert (stranger.status, known.status) == (407, 404)


async def test_the_answer_is_repeated_until_its_ack_and_then_the_call_is_ended(system: System) -> None:
    phone = await system.phone()

    await phone.invite("999", body=sdp(4000))
    first = await phone.response("INVITE")
    second = await phone.response("INVITE")
    bye = await phone.request("BYE")
    phone.send(phone.answer(bye, 200))

    assert first.encode() == second.encode()
    assert bye.uri == phone.contact
    assert bye.from_().tag == first.to().tag
    [ended] = await system.hears(CallEnded)
    assert (ended.hangup_by, ended.reason) == ("proxy", "no ACK")
    assert await system.media() == []


async def test_hold_by_reinvite_and_resume_by_update(system: System) -> None:
    phone = await system.phone()
    call = await answered(phone)

    phone.send(phone.in_dialog("INVITE", call, body=sdp(4000).replace(b"sendrecv", b"sendonly")))
    held = await phone.response("INVITE")
    phone.send(phone.in_dialog("ACK", call))
    phone.send(phone.in_dialog("UPDATE", call, body=sdp(4002)))
    resumed = await phone.response("UPDATE")

    first, second = (SessionDescription.parse(answer.body) for answer in (held, resumed))
    assert first.audio[0].direction == "recvonly"
    assert second.audio[0].direction == "sendrecv"
    assert first.audio[0].port == second.audio[0].port
    assert [line for line in first.lines if line.startswith("o=")] != [
        line for line in second.lines if line.startswith("o=")
    ]
    assert [update.on_hold for update in await system.hears(CallUpdated, 2)] == [True, False]


async def test_a_refresh_without_a_change_is_no_update(system: System) -> None:
    phone = await system.phone()
    call = await answered(phone)

    phone.send(phone.in_dialog("INVITE", call, body=sdp(4000)))
    refreshed = await phone.response("INVITE")
    phone.send(phone.in_dialog("ACK", call))
    phone.send(phone.in_dialog("UPDATE", call))
    empty = await phone.response("UPDATE")

    assert (refreshed.status, empty.status) == (200, 200)
    assert system.told(CallUpdated) == []


@pytest.mark.parametrize(
    ("method", "status"),
    [
        ("INFO", 200),
        ("OPTIONS", 200),
        ("REFER", 405),
        ("MESSAGE", 405),
        ("SUBSCRIBE", 489),
        ("NOTIFY", 481),
        ("PRACK", 481),
        ("UNHEARD", 501),
    ],
)
async def test_other_requests_inside_the_call(system: System, method: str, status: int) -> None:
    phone = await system.phone()
    call = await answered(phone)

    phone.send(phone.in_dialog(method, call))

    assert (await phone.response(method)).status == status


@pytest.mark.parametrize("method", ["BYE", "INVITE", "UPDATE", "INFO", "OPTIONS"])
async def test_a_request_of_an_unknown_dialog_is_481(system: System, method: str) -> None:
    phone = await system.phone()
    call = await answered(phone)
    other_call = Call("unknown", call.local, call.remote, call.target, [], 1)
    other_tag = Call(call.call_id, call.local, f"{call.remote}x", call.target, [], 1)

    for stranger in (other_call, other_tag):
        phone.send(phone.in_dialog(method, stranger))
        assert (await phone.response(method)).status == 481

    assert system.told(CallEnded) == []


@pytest.mark.parametrize("extension", ["996", "997", "998", "999"])
async def test_requests_outside_of_calls(system: System, extension: str) -> None:
    phone = await system.phone()
    uri = f"sip:{extension}@{phone.domain}"

    statuses = {}
    for method in ("OPTIONS", "SUBSCRIBE", "REFER", "MESSAGE", "BYE"):
        phone.send(phone.write(method, uri))
        statuses[method] = (await phone.response(method)).status

    assert statuses == {"OPTIONS": 200, "SUBSCRIBE": 489, "REFER": 405, "MESSAGE": 405, "BYE": 481}


async def test_the_ack_of_another_invite_does_not_stop_the_answer(system: System) -> None:
    phone = await system.phone()

    await phone.invite("999", body=sdp(4000))
    answer = await phone.response("INVITE")
    call = phone.caller_side(answer)
    stale = Call(call.call_id, call.local, call.remote, call.target, call.routes, call.cseq - 1)
    phone.send(phone.in_dialog("ACK", stale))

    assert (await phone.response("INVITE")).encode() == answer.encode()


async def test_a_new_offer_while_ours_waits_for_its_answer_is_491(system: System) -> None:
    phone = await system.phone()

    await phone.invite("999")
    call = phone.caller_side(await phone.response("INVITE"))
    phone.send(phone.in_dialog("UPDATE", call, body=sdp(4000)))

    assert (await phone.response("UPDATE")).status == 491


async def test_ports_come_back_only_after_the_worker_gives_them_back(system: System) -> None:
    phone = await system.phone()
    before = await system.free_ports()

    call = await answered(phone)
    during = await system.free_ports()
    phone.send(phone.in_dialog("BYE", call))
    await phone.response("BYE")

    assert (before, during) == (len(PORTS), len(PORTS) - 1)


async def test_options_is_answered_without_credentials(system: System) -> None:
    phone = await system.phone()

    phone.send(phone.write("OPTIONS", f"sip:{phone.domain}", "User-Agent: Imola", "Supported: timer"))
    answer: Response = await phone.response("OPTIONS")

    assert answer.status == 200
    assert "INVITE" in answer.headers.get_all("Allow")
    assert answer.headers.get("Accept") == "application/sdp"
    assert system.told(SipMessageSeen) == []
