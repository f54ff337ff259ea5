"""Garbage, wrong passwords, wrong numbers, broken messages: answered or ignored as the RFC says, counted, survived."""

import asyncio
import random
import socket

import pytest

from tests.e2e.scripted_caller import scripted_caller, send_pattern
from tests.waiting import wait_until
from vqm_local.phone import PhoneError, phone_in

pytestmark = pytest.mark.e2e

USER, PASSWORD = "gateway-test", "TestMonitor123"
DATAGRAMS = 10_000
BURST = 20  # between two of them the receiver gets its turn: the kernel must not drop what we want to see counted
PACKETS = 300


@pytest.fixture(autouse=True)
async def the_next_call_works(system, rest):
    """After each of these tests a call is answered, measured and ended as ever."""
    yield
    async with scripted_caller(system.sip, USER, PASSWORD) as caller:
        answer = await caller.invite("999")
        assert answer.code == 200
        await send_pattern(caller.rtp, answer.media_address, 50, ())
        assert (await caller.bye(answer)).code == 200
        call = await wait_until(lambda: rest.ended_call(caller.call_id), "the next call is stored")
    measured = call["directions"]["caller"]
    assert (measured["packets_expected"], measured["packets_received"], measured["packets_lost"]) == (50, 50, 0)


async def test_random_datagrams_at_the_sip_port_are_ignored_and_counted(system, rest):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.bind(("127.0.0.1", 0))
        sender.setblocking(False)
        await blast(sender, [system.sip])
        source = "{}:{}".format(*sender.getsockname())

        async def all_counted():
            events = await rest.items("security-events", limit=500)
            counts = [event["count"] for event in events if event["type"] == "RequestBadFormat"]
            return sum(counts) >= DATAGRAMS * 0.9  # some random bytes are keep-alives; the kernel may drop a few

        await wait_until(all_counted, f"the garbage from {source} is counted", within_s=15)
        with pytest.raises(BlockingIOError):
            sender.recv(2048)


async def test_random_datagrams_at_the_rtp_ports_do_not_touch_the_call(system, rest):
    async with scripted_caller(system.sip, USER, PASSWORD) as caller:
        answer = await caller.invite("999")
        host, port = answer.media_address
        await send_pattern(caller.rtp, (host, port), PACKETS, ())
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.bind(("127.0.0.1", 0))
            sender.setblocking(False)
            await blast(sender, [(host, port), (host, port + 1)])
        await caller.bye(answer)
        call = await wait_until(lambda: rest.ended_call(caller.call_id), "the call is stored")

    assert len(call["streams"]) == 1
    assert call["directions"]["caller"]["packets_expected"] == PACKETS
    assert call["directions"]["caller"]["packets_received"] == PACKETS
    stopped = [event for event in system.events("vqm:metrics") if event["type"] == "MediaStopped"]
    refused = sum(event["packets_refused"] for event in stopped if event["call_id"] == caller.call_id)
    assert refused >= DATAGRAMS / 2 * 0.9


@pytest.mark.usefixtures("phones")
async def test_a_wrong_password_is_asked_again_and_reported(system, rest, tmp_path):
    async with phone_in(tmp_path) as phone:
        with pytest.raises(PhoneError, match="401"):
            await phone.account(system.server, USER, "wrong")
    async with scripted_caller(system.sip, USER, "wrong") as caller:
        assert (await caller.invite("999")).code in (401, 407)

    async def reported():
        events = await rest.items("security-events", limit=100)
        return [event for event in events if event["type"] == "InvalidPassword" and event["account"] == USER]

    assert len(await wait_until(reported, "the wrong password is reported")) >= 2


async def test_an_unknown_extension_is_not_found(system, rest):
    async with scripted_caller(system.sip, USER, PASSWORD) as caller:
        assert (await caller.invite("12345")).code == 404

        call = await wait_until(lambda: call_of(rest, caller), "the refused call is stored")
        assert (call["state"], call["final_code"]) == ("ended", 404)


async def test_an_invite_without_sdp_is_answered_with_an_offer(system):
    """RFC 3261 13.2.1: the 200 then carries the offer, and the ACK the answer."""
    async with scripted_caller(system.sip, USER, PASSWORD) as caller:
        answer = await caller.invite("999", body="")

        assert answer.code == 200
        assert answer.media_address[1] > 0
        assert (await caller.bye(answer)).code == 200


# RFC 3261 18.3: a request that is shorter than its Content-Length says SHOULD be answered 400. Without the end of its
# header nobody can know whom to answer; silence or a 400 are right then.
@pytest.mark.parametrize(
    ("keep", "answers"), [(0.25, [[], [400]]), (0.5, [[], [400]]), (0.9, [[400]]), (0.99, [[400]])]
)
async def test_a_truncated_message_is_refused_or_ignored(system, rest, keep, answers):
    async with scripted_caller(system.sip, USER, PASSWORD) as caller:
        request = caller.request("INVITE", "999", caller.offer())
        caller.send_raw(request[: int(len(request) * keep)])

        async def counted():
            events = await rest.items("security-events", limit=100)
            return [event for event in events if event["type"] == "RequestBadFormat" and is_from(event, caller)]

        await wait_until(counted, "the broken message is counted")
        assert [reply.code for reply in caller.received()] in answers


async def blast(sender, targets):
    """Ten thousand datagrams of random bytes, the same each time, of all sizes."""
    source = random.Random(10_000)
    for number in range(DATAGRAMS):
        sender.sendto(source.randbytes(source.randrange(1, 1400)), targets[number % len(targets)])
        if number % BURST == 0:
            await asyncio.sleep(0.001)  # the pace, not a wait for something


async def call_of(rest, caller):
    calls = await rest.items("calls", state="ended")
    return next((call for call in calls if call["call_id"] == caller.call_id), None)


def is_from(event, caller):
    return event["source"] == caller.address
