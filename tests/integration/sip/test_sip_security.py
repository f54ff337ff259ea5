"""What the public side of the SIP port may try, and what it gets: nothing, and the operator hears of it."""

import itertools
import json

import pytest

from shared.events import FloodDetected, ScannerDetected, SourceBanned, SourceUnbanned, SuccessfulAuth
from sip_proxy.guard.ban_list import BAN, KNOWN
from tests.conftest import BrokerProcess
from tests.integration.sip.conftest import System, running
from tests.integration.sip.phone import PATIENCE_S, Phone, sdp
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

STRANGER = "127.0.0.2"
FRIENDLY_SCANNER = "User-Agent: friendly-scanner"


async def stranger(system: System, host: str = STRANGER) -> Phone:
    return await system.phone("100", "wrong", host=host)


def options(phone: Phone, *headers: str) -> bytes:
    return phone.write("OPTIONS", f"sip:{phone.domain}", *headers)


async def is_answered(phone: Phone, *, within_s: float = 0.5) -> bool:
    """Whether OPTIONS gets an answer."""
    phone.send(options(phone))
    try:
        return (await phone.response("OPTIONS", 200, within_s=within_s)).status == 200
    except TimeoutError:
        return False


@pytest.mark.parametrize("host", [STRANGER, "127.0.0.1"])
async def test_a_flood_is_dropped_counted_and_told_and_a_gateway_is_served(system: System, host: str) -> None:
    gateway, flooder = await system.phone(), await stranger(system, host)
    await gateway.register()
    octets = [options(flooder) for _ in range(100)]

    for _ in range(50):
        for each in octets:
            flooder.send(each)
        assert await is_answered(gateway, within_s=PATIENCE_S)

    dropped = await wait_until(lambda: system.app.counters().get("dropped_flood", 0) > 1000, "the flood is dropped")
    assert dropped
    first = system.told(FloodDetected)[0]
    assert (first.source, first.count) == (f"{host}:{flooder.port}", 1)
    assert len(system.told(FloodDetected)) < 5
    assert (await gateway.register()).status == 200
    assert system.app.counters()["transactions"] < 10  # of the gateway


async def test_a_scanner_hears_nothing_and_is_banned(system: System) -> None:
    scanner, gateway = await stranger(system), await system.phone()

    scanner.send(options(scanner, FRIENDLY_SCANNER))
    [seen], [banned] = await system.hears(ScannerDetected), await system.hears(SourceBanned)

    assert seen.source == banned.source == f"{STRANGER}:{scanner.port}"
    assert await is_answered(gateway)
    assert not await is_answered(await stranger(system))  # by another name and port too
    assert scanner.inbox == []
    assert system.app.counters()["dropped_banned"] == 1


async def test_a_gateway_cannot_be_banned_with_packets_in_its_name(system: System) -> None:
    gateway, forger = await system.phone(), await system.phone()  # the same address, as a forger writes it
    await gateway.register()

    forger.send(options(forger, FRIENDLY_SCANNER))
    await system.hears(ScannerDetected)

    assert await is_answered(gateway)
    assert system.told(SourceBanned) == []


async def test_whoever_fails_to_sign_in_a_hundred_times_is_banned(broker: BrokerProcess) -> None:
    async with running(broker, ban_after_failures=3) as system:
        cracker, gateway = await stranger(system), await system.phone()

        for _ in range(3):
            await cracker.register()
        [banned] = await system.hears(SourceBanned)

        assert banned.reason == "too many failed sign-ins"
        assert not await is_answered(cracker)
        assert (await gateway.register()).status == 200


async def test_a_ban_is_in_redis_and_an_operator_lifts_it(system: System) -> None:
    scanner = await stranger(system)
    scanner.send(options(scanner, FRIENDLY_SCANNER))

    text = await wait_until(lambda: system.state.get(BAN + STRANGER), "the ban is written")
    await system.state.delete(BAN + STRANGER)
    [lifted] = await system.hears(SourceUnbanned)

    assert json.loads(text)["reason"] == "scanner: User-Agent friendly-scanner"
    assert lifted.reason == "lifted"
    assert await is_answered(scanner)


async def test_an_operator_bans_by_hand(system: System) -> None:
    phone = await stranger(system)
    assert await is_answered(phone)

    await system.redis.set(BAN + STRANGER, "calls at night", px=60_000)

    async def is_silent() -> bool:
        return not await is_answered(phone)

    await wait_until(is_silent, "the ban has reached us")


async def test_a_restarted_proxy_and_a_replica_know_bans_and_friends(broker: BrokerProcess) -> None:
    async with running(broker) as system:
        gateway, scanner = await system.phone(), await stranger(system)
        await gateway.register()
        scanner.send(options(scanner, FRIENDLY_SCANNER))
        await wait_until(lambda: system.state.get(BAN + STRANGER), "the ban is written")
        await wait_until(lambda: system.state.get(KNOWN + "127.0.0.1"), "the gateway is noted")
    async with running(broker, flush=False, instance="proxy-2") as system:
        await wait_until(lambda: system.app.counters()["sources_banned"] == 1, "the ban is known")
        forger = await system.phone()

        assert not await is_answered(await stranger(system))
        forger.send(options(forger, FRIENDLY_SCANNER))
        await system.hears(ScannerDetected)

        assert system.told(SourceBanned) == []
        assert (await forger.register()).status == 200


async def test_a_ban_holds_and_ends_while_redis_is_away(broker_process: BrokerProcess) -> None:
    async with running(broker_process, ban_s=1.0) as system:
        broker_process.stop()
        scanner = await stranger(system)

        scanner.send(options(scanner, FRIENDLY_SCANNER))
        await system.hears(SourceBanned)
        assert not await is_answered(scanner)
        await system.hears(SourceUnbanned)

        assert await is_answered(scanner)
        assert system.told(SuccessfulAuth) == []


METHODS = ("REGISTER", "INVITE", "OPTIONS", "MESSAGE", "SUBSCRIBE", "PUBLISH", "BYE", "CANCEL", "UNHEARD")
DEVICE = ("User-Agent: Imola 3.2", "Expires: 600", "Supported: replaces, timer")


@pytest.mark.parametrize("user", ["gateway-test", "no-such-user", "999", None])
async def test_no_answer_to_a_stranger_is_larger_than_his_question_or_repeated(
    system: System, user: str | None
) -> None:
    phone = await stranger(system)
    uri = f"sip:{phone.domain}" if user is None else f"sip:{user}@{phone.domain}"

    for method, to in itertools.product(METHODS, (None, f"<{uri}>;tag=guessed")):
        octets = phone.write(method, uri, *DEVICE, to=to, body=sdp(4000) if method == "INVITE" else b"")
        phone.send(octets)
        answer = await phone.response(method)

        assert len(answer.encode()) <= len(octets), f"{answer!r} to {method}"

    await wait_until(lambda: system.app.counters()["transactions"] == 0, "nothing is left that could be repeated")
    assert phone.inbox == []
    assert system.app.counters()["answers_withheld"] == 0


async def test_a_refusal_of_nonsense_is_no_larger_than_the_nonsense(system: System) -> None:
    phone = await stranger(system)
    nonsense = phone.write("OPTIONS", f"sip:{phone.domain}").replace(b"Content-Length: 0", b"Content-Length: 99999")

    phone.send(nonsense)

    assert len((await phone.response("OPTIONS", 400)).encode()) <= len(nonsense)


async def test_a_question_too_short_for_any_answer_gets_none(system: System) -> None:
    phone = await stranger(system)

    phone.send(b"A B SIP/2.0\r\nv:SIP/2.0/UDP h\r\n\r\n")

    await wait_until(lambda: system.app.counters().get("answers_withheld") == 1, "the answer is withheld")
    assert phone.inbox == []


async def test_a_gateway_that_has_signed_in_is_told_everything(system: System) -> None:
    gateway = await system.phone()
    await gateway.register()

    gateway.send(options(gateway))
    answer = await gateway.response("OPTIONS")

    assert answer.reason == "OK"
    assert {"Allow", "Accept", "Content-Length"} <= {name for name, _ in answer.headers}
