"""The test phone: two of them call each other without anything between, and one that dies says so."""

import asyncio
import os
import signal
from contextlib import asynccontextmanager

import pytest

from tests.waiting import wait_until
from vqm_local.demo import Office, Plan
from vqm_local.impair import Address, impaired_line
from vqm_local.phone import PhoneDied, PhoneError, phone_in

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("phones")]


@asynccontextmanager
async def two_phones(folder):
    async with phone_in(folder / "alice") as alice, phone_in(folder / "bob") as bob:
        await alice.account(f"127.0.0.1:{bob.sip_port}", "alice", "unused", register=False)
        await bob.account(f"127.0.0.1:{alice.sip_port}", "bob", "unused", register=False)
        yield alice, bob


async def test_two_phones_hear_each_others_tone(tmp_path):
    async with two_phones(tmp_path) as (alice, bob):
        await asyncio.gather(alice.play(440), bob.play(1000))
        outgoing = await alice.call(f"sip:bob@127.0.0.1:{bob.sip_port}")
        incoming = await bob.ringing()
        await incoming.answer()
        await outgoing.answered()

        def both_hear():
            heard = outgoing.heard(0.5), incoming.heard(0.5)
            assert [sound.frequency_hz and round(sound.frequency_hz) for sound in heard] == [1000, 440]
            return min(sound.purity for sound in heard) > 0.99

        await wait_until(both_hear, "both phones hear a clean tone")
        assert outgoing.now.codec == "PCMA"
        assert outgoing.heard(0.5).level_dbov == pytest.approx(-20, abs=1)
        assert (await outgoing.counts())["lost"] == 0

        await outgoing.hangup()
        await incoming.ended()
        assert outgoing.call_id == incoming.call_id


async def test_a_refused_call_says_why(tmp_path):
    async with two_phones(tmp_path) as (alice, bob):
        outgoing = await alice.call(f"sip:bob@127.0.0.1:{bob.sip_port}")
        await (await bob.ringing()).hangup(486)

        with pytest.raises(PhoneError, match="486 Busy Here"):
            await outgoing.answered()


async def test_a_command_that_fails_says_why_and_the_phone_goes_on(tmp_path):
    async with phone_in(tmp_path) as phone:
        with pytest.raises(PhoneError, match="no account"):
            await phone.call("sip:nobody@127.0.0.1")
        with pytest.raises(PhoneError, match="missing a required argument"):
            await phone.command("call")

        await phone.play(440)


async def test_a_codec_that_does_not_exist_is_refused_at_the_start(tmp_path):
    with pytest.raises(PhoneDied, match=r"no codec G999.*PCMA"):
        async with phone_in(tmp_path, codec="G999"):
            pass


@pytest.mark.parametrize(
    ("signal_number", "words"), [(signal.SIGSEGV, "ended with code -11"), (signal.SIGALRM, "hung")]
)
async def test_the_death_of_its_process_ends_every_wait(tmp_path, signal_number, words):
    async with phone_in(tmp_path) as phone:
        waiting = asyncio.create_task(phone.ringing(30))
        os.kill(phone.process_id, signal_number)

        with pytest.raises(PhoneDied, match=words):
            await waiting
        with pytest.raises(PhoneDied, match=words):
            await phone.play(440)


async def test_the_impaired_line_loses_every_20th_packet_one_way_and_is_not_noticed(tmp_path):
    async with phone_in(tmp_path / "alice") as alice, phone_in(tmp_path / "bob") as bob:
        server = Address("127.0.0.1", bob.sip_port)
        async with impaired_line(server, lose_every=20) as line:
            await alice.account(str(server), "alice", "unused", register=False, via=str(line.address))
            await bob.account(str(line.address), "bob", "unused", register=False)
            await bob.answer_all()
            outgoing = await alice.call(f"sip:bob@{server}")
            incoming = await bob.ringing()
            await outgoing.answered()

            await wait_until(lambda: line.loss.dropped >= 3, "three packets are lost")
            here, there = await outgoing.counts(), await incoming.counts()
            await outgoing.hangup()

            assert here["lost"] == 0
            assert there["lost"] >= 2
            assert (line.loss.forwarded + line.loss.dropped) // 20 == line.loss.dropped
            await incoming.ended()


async def test_a_phone_that_dies_ends_the_round_of_the_demo(tmp_path):
    told: list[str] = []
    async with phone_in(tmp_path) as phone:
        server = Address("127.0.0.1", 9)
        async with impaired_line(server) as line:
            office = Office(server, {"alice": phone}, line)
            os.kill(phone.process_id, signal.SIGKILL)

            with pytest.raises(PhoneDied, match="ended with code -9"):
                await office.play_round((Plan("alice", "999"),), 1.0, told.append)

    assert "alice calls 999" in told[0]
