"""The caller of 996 is listened to, told what was heard, and the proxy is told that he was."""

import time

import pytest

from rtp_analyzer.packets.rtp import RtpPacket
from rtp_analyzer.sounds.prompts import say
from shared.events import Language, MediaReleased, MediaStopped, PayloadFormat, QualitySpoken
from shared.testing import PCMA, media_assigned
from tests.integration.rtp_phone import RtpPhone, voice
from tests.integration.worker.working import NAME, leased
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

FORMATS = {
    "PCMA": PCMA,
    "PCMU": PayloadFormat(payload_type=0, encoding="PCMU", clock_rate=8000),
    "G722": PayloadFormat(payload_type=9, encoding="G722", clock_rate=8000),
    "G729": PayloadFormat(payload_type=18, encoding="G729", clock_rate=8000),
    "OPUS": PayloadFormat(payload_type=107, encoding="OPUS", clock_rate=48000, channels=2),
}


async def dialled(workers, phone, media_id: str, known: PayloadFormat, language: Language = "en") -> RtpPhone:
    (port,) = await leased(workers, 1)
    caller: RtpPhone = phone(port)
    legs = (caller.leg("caller", formats=(known,)),)
    media = media_assigned(at=time.time(), media_id=media_id, mode="announce", language=language, legs=legs)
    await workers.assign(NAME, media)
    return caller


async def spoken(metrics, count: int) -> dict[str, bool]:
    """Where it was spoken, and whether one could hear it."""

    def told() -> list[QualitySpoken] | None:
        return metrics.of(QualitySpoken) if len(metrics.of(QualitySpoken)) >= count else None

    events = await wait_until(told, "the worker says that it has spoken", within_s=20)
    assert {event.call_id for event in events} == {"call-1"}
    return {event.media_id: event.audible for event in events}


async def test_who_sends_nothing_is_told_so_in_his_codec(workers, worker, phone, metrics):
    callers = {codec: await dialled(workers, phone, codec, known, "it") for codec, known in FORMATS.items()}

    assert await spoken(metrics, len(FORMATS)) == dict.fromkeys(FORMATS, True)

    for codec, packets_said in say(["nothing", "goodbye"], "it").packets.items():
        count = len(packets_said)
        packets = [RtpPacket.decode(each) for each in callers[codec].received(count + 1, within_s=0.1)]
        first, units = packets[0], 960 if codec == "OPUS" else 160
        assert [packet.payload for packet in packets] == [each.tobytes() for each in packets_said]
        assert {packet.payload_type for packet in packets} == {FORMATS[codec].payload_type}
        assert [(packet.sequence - first.sequence) & 0xFFFF for packet in packets] == list(range(count))
        assert [(packet.timestamp - first.timestamp) % 2**32 // units for packet in packets] == list(range(count))
        assert [packet.marker for packet in packets] == [True] + [False] * (count - 1)


async def test_the_measured_loss_is_what_is_said(workers, worker, phone, metrics):
    caller = await dialled(workers, phone, "media-1", PCMA)
    lossy = [packet for i, packet in enumerate(voice(101, ssrc=1)) if i % 4 != 2]
    await wait_until(lambda: worker.counters()["packets_received"] or caller.send(lossy[:1]), "the port is open")
    caller.send(lossy[1:])

    said = bytearray()
    loss = say(["loss", "20", "5", "percent"], "en").packets["PCMA"].tobytes()

    def heard() -> bool:
        said.extend(b"".join(RtpPacket.decode(each).payload for each in caller.received(100, within_s=0.0)))
        return loss in said

    await wait_until(heard, "the loss is said", within_s=20)


async def test_where_nothing_can_be_spoken_the_end_is_told_all_the_same(workers, worker, phone, metrics):
    caller = await dialled(workers, phone, "media-1", PayloadFormat(payload_type=3, encoding="GSM", clock_rate=8000))

    assert await spoken(metrics, 1) == {"media-1": False}

    assert caller.nothing_more()


async def test_who_hangs_up_while_he_is_spoken_to_is_forgotten(workers, worker, phone, metrics):
    caller = await dialled(workers, phone, "media-1", PCMA)
    await wait_until(lambda: caller.received(1, within_s=0.0), "the caller is spoken to")

    await workers.release(NAME, MediaReleased(at=time.time(), call_id="call-1", media_id="media-1"))

    await wait_until(lambda: metrics.of(MediaStopped), "the medium has stopped")
    assert metrics.of(QualitySpoken) == []
