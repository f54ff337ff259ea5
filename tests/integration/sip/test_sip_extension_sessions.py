"""What each extension agrees on: codecs, directions, the order of media, and what its worker is told."""

import asyncio

import pytest

from shared.events import METRICS, CallAnswered, CallEnded, QualitySpoken
from sip_proxy.sip.sdp import SessionDescription
from tests.conftest import BrokerProcess
from tests.integration.sip.conftest import System, running
from tests.integration.sip.phone import sdp
from tests.integration.sip.test_sip_extensions import answered
from tests.paper_worker import WORKER

pytestmark = pytest.mark.integration

EXTENSIONS = ("996", "997", "998", "999")
START = "v=0\no=- 100 1 IN IP4 10.0.0.9\ns=-\nc=IN IP4 10.0.0.9\nt=0 0\n"
OFFERS = {
    "G729": "m=audio {port} RTP/AVP 18\na=rtpmap:18 G729/8000\na=fmtp:18 annexb=no\n",
    "G729 without rtpmap": "m=audio {port} RTP/AVP 18\n",
    "PCMA": "m=audio {port} RTP/AVP 8 101\na=rtpmap:8 PCMA/8000\na=rtpmap:101 telephone-event/8000\n",
    "PCMA without rtpmap": "m=audio {port} RTP/AVP 8\n",
    "PCMU": "m=audio {port} RTP/AVP 0\na=rtpmap:0 PCMU/8000\n",
    "G722": "m=audio {port} RTP/AVP 9\na=rtpmap:9 G722/8000\n",
    "OPUS": "m=audio {port} RTP/AVP 107\na=rtpmap:107 opus/48000/2\na=fmtp:107 useinbandfec=1\n",
}
NUMBERS = {"G729": 18, "PCMA": 8, "PCMU": 0, "G722": 9, "OPUS": 107}


@pytest.mark.parametrize("extension", EXTENSIONS)
@pytest.mark.parametrize("offered", OFFERS)
async def test_all_four_answer_every_codec_with_the_number_of_the_offer(
    system: System, extension: str, offered: str
) -> None:
    phone = await system.phone()

    await phone.invite(extension, body=sdp(4000, START + OFFERS[offered]))
    answer = await phone.response("INVITE")

    codec = offered.partition(" ")[0]
    [audio] = SessionDescription.parse(answer.body).audio
    assert answer.status == 200
    assert (audio.formats[0].encoding, audio.formats[0].payload_type) == (codec, NUMBERS[codec])
    assert audio.direction == "sendrecv"
    [media] = await system.media()
    assert [known.encoding for known in media.legs[0].formats][:1] == [codec]
    assert system.told(CallAnswered)[0].codec == codec


@pytest.mark.parametrize("extension", EXTENSIONS)
async def test_media_that_is_not_served_is_declined_in_its_place(system: System, extension: str) -> None:
    phone = await system.phone()
    video = "m=video {port} RTP/AVP 34\n"
    fax = "m=image {port} udptl t38\n"

    await phone.invite(extension, body=sdp(4000, START + video + OFFERS["PCMA"] + fax))
    described = SessionDescription.parse((await phone.response("INVITE")).body)

    assert [(media.kind, media.active) for media in described.media] == [
        ("video", False),
        ("audio", True),
        ("image", False),
    ]


@pytest.mark.parametrize("extension", EXTENSIONS)
@pytest.mark.parametrize(
    ("offered", "answered_with", "listens"),
    [("sendonly", "recvonly", False), ("recvonly", "sendonly", True), ("inactive", "inactive", False)],
)
async def test_the_direction_is_answered_and_the_worker_knows_it(
    system: System, extension: str, offered: str, answered_with: str, listens: bool
) -> None:
    phone = await system.phone()

    await phone.invite(extension, body=sdp(4000, START + OFFERS["PCMA"] + f"a={offered}\n"))
    [audio] = SessionDescription.parse((await phone.response("INVITE")).body).audio

    [media] = await system.media()
    assert audio.direction == answered_with
    assert media.legs[0].listens is listens


async def test_998_and_996_refuse_what_they_have_no_sound_in(system: System) -> None:
    phone = await system.phone()
    gsm = sdp(4000, START + "m=audio {port} RTP/AVP 3\n")

    statuses = []
    for extension in ("998", "996", "999"):
        await phone.invite(extension, body=gsm)
        statuses.append((await phone.response("INVITE")).status)

    assert statuses == [488, 488, 200]
    assert [ended.final_code for ended in system.told(CallEnded)] == [488, 488]


async def test_997_announces_what_it_injects(broker: BrokerProcess) -> None:
    async with running(broker, impairment_loss_percent=5, impairment_jitter_ms=10, impairment_seed=7) as system:
        phone = await system.phone()

        await answered(phone, "997")
        await answered(phone, "999")

        impaired, whole = sorted(await system.media(), key=lambda media: media.at)
        assert impaired.mode == whole.mode == "echo"
        assert impaired.impairment is not None
        assert (impaired.impairment.loss_percent, impaired.impairment.jitter_ms, impaired.impairment.seed) == (5, 10, 7)
        assert whole.impairment is None
        assert [told.impairment for told in system.told(CallAnswered)] == [impaired.impairment, None]


@pytest.mark.parametrize(
    ("header", "language"), [("en-GB, it;q=0.5", "en"), ("de, it-IT;q=0.8", "it"), ("de", "it"), ("", "it")]
)
async def test_996_speaks_the_callers_language_or_the_set_one(
    broker: BrokerProcess, header: str, language: str
) -> None:
    async with running(broker, language="it") as system:
        phone = await system.phone()

        await answered(phone, "996", *([f"Accept-Language: {header}"] if header else []))

        [media] = await system.media()
        assert (media.mode, media.language) == ("announce", language)


async def test_996_is_hung_up_by_us_once_the_worker_has_spoken(system: System) -> None:
    phone = await system.phone()
    call = await answered(phone, "996")
    [media] = await system.media()
    event = QualitySpoken(at=media.at, worker=WORKER, call_id=call.call_id, media_id=media.media_id, audible=True)

    async def tell() -> None:
        """Again and again, as the proxy may not listen yet."""
        while True:
            await system.bus.publish([(METRICS, event)])
            await asyncio.sleep(0.1)

    telling = asyncio.create_task(tell())
    bye = await phone.request("BYE")
    telling.cancel()
    phone.send(phone.answer(bye, 200))

    [ended] = await system.hears(CallEnded)
    assert bye.call_id == call.call_id
    assert (ended.hangup_by, ended.reason) == ("proxy", "the result was spoken")
    assert await system.media() == []


@pytest.mark.parametrize(("scheme", "transport"), [("sip", "udp"), ("sip", "tcp"), ("sip", "tls"), ("sips", "tls")])
async def test_our_contact_is_reached_the_way_the_call_came(system: System, scheme: str, transport: str) -> None:
    phone = await system.phone(transport=transport)

    await phone.authenticated("INVITE", f"{scheme}:996@{phone.domain}", body=sdp(4000))
    answer = await phone.response("INVITE")
    call = phone.caller_side(answer)
    phone.send(phone.in_dialog("ACK", call))
    phone.send(phone.in_dialog("BYE", call))

    assert (await phone.response("BYE")).status == 200
    assert call.target.startswith(f"{scheme}:996@")
    assert scheme == "sips" or call.target.endswith(f";transport={transport}")
