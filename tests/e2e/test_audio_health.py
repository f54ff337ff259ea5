"""What a caller sends to an extension is listened to, in its own codec, and what is wrong with it is told."""

import asyncio

import pytest

from rtp_analyzer.audio.decoder import is_installed
from rtp_analyzer.sounds.prompts import packets_of
from tests.e2e.scripted_caller import SILENCE, scripted_caller, send_pattern
from tests.waiting import wait_until

pytestmark = pytest.mark.e2e

OVERLOAD = bytes([0xAA] * 80 + [0x2A] * 80)  # A-law, the highest code of each sign
FORMATS = {
    "PCMA": (8, "8 PCMA/8000"),
    "G722": (9, "9 G722/8000"),
    "G729": (18, "18 G729/8000"),
    "OPUS": (107, "107 opus/48000/2"),
}


async def called(system, rest, encoding, payloads, count):
    """A call to 999 in which this is said, packets of 20 ms."""
    payload_type, named = FORMATS[encoding]
    async with scripted_caller(system.sip, "gateway-test", "TestMonitor123") as caller:
        offer = caller.offer().replace("RTP/AVP 8", f"RTP/AVP {payload_type}").replace("8 PCMA/8000", named)
        answer = await caller.invite("999", offer)
        assert answer.code == 200
        media = answer.media_address
        await send_pattern(caller.rtp, media, count, (), pause_s=0.02, payload_type=payload_type, payloads=payloads)
        await caller.bye(answer)
        return await wait_until(lambda: rest.ended_call(caller.call_id), "the final report is stored")


async def test_silence_and_overload_are_flagged_and_speech_is_not(system, rest):
    spoken = [bytes(packet) for packet in packets_of("it")["PCMA"]]

    silent, overloaded, speaks = await asyncio.gather(
        called(system, rest, "PCMA", [SILENCE], 560),
        called(system, rest, "PCMA", [OVERLOAD], 150),
        called(system, rest, "PCMA", spoken, 300),
    )

    assert [call["flags"] for call in (silent, overloaded, speaks)] == [["dead_air"], ["clipping"], []]
    heard = [call["directions"]["caller"]["audio"] for call in (silent, overloaded, speaks)]
    assert heard[0]["level_dbov"] == -127
    assert heard[0]["dead_air_s"] > 10
    assert heard[1]["clipping_percent"] > 90
    assert -35 < heard[2]["active_level_dbov"] < -15
    assert 0 < heard[2]["silence_percent"] < 90


@pytest.mark.parametrize("encoding", ["G722", "G729", "OPUS"])
async def test_speech_in_another_codec_is_heard_where_it_can_be_decoded(system, rest, encoding):
    spoken = [bytes(packet) for packet in packets_of("it")[encoding]]

    call = await called(system, rest, encoding, spoken, 250)

    heard = call["directions"]["caller"]["audio"]
    if is_installed():
        assert heard["source"] == "decoded"
        assert -35 < heard["active_level_dbov"] < -15
        assert 5 < heard["judged_percent"] < 20
    else:
        assert (heard["source"], heard["unknown"]) == (None, "no_decoder")
    assert set(call["flags"]) <= {"monitor_impaired"}  # the machine of a test may be busy
