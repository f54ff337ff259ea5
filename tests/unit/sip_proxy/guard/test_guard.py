"""Who is dropped, who is banned, and who must never be."""

import pytest

from shared.events import (
    ChallengeSent,
    Event,
    FloodDetected,
    InvalidPassword,
    RequestBadFormat,
    ScannerDetected,
    SourceBanned,
    SourceUnbanned,
)
from sip_proxy.auth import Challenged
from sip_proxy.effects import Address, Flow
from sip_proxy.guard import Guard
from sip_proxy.settings import SipProxySettings
from tests.unit.sip_proxy.builders import AT, SITE, request

UDP = Flow("udp", SITE.address, Address("203.0.113.9", 5060))
TCP = Flow("tcp", SITE.address, Address("203.0.113.9", 40000))
BAN_S = 600.0


def guard_with(**settings: object) -> Guard:
    return Guard(SipProxySettings.model_validate({"ban_after_failures": 3, "ban_s": BAN_S, **settings}).guard_rules())


@pytest.fixture
def guard() -> Guard:
    return guard_with()


def scan(guard: Guard, flow: Flow, now: float = AT) -> list[type[Event]]:
    dropped = guard.inspect(request("OPTIONS", "sip:100@192.0.2.1", ("User-Agent", "friendly-scanner")), flow, now)
    assert dropped is not None
    return [type(event) for event in dropped.events]


def fail(guard: Guard, flow: Flow, answered: str | None, now: float = AT) -> list[type[Event]]:
    facts = {"at": now, "source": str(flow.remote), "transport": flow.transport}
    failure = Challenged(401, (), InvalidPassword(**facts), "next", answered)
    return [type(event) for event in guard.challenged(failure, flow, now)]


def give_nonce(guard: Guard, flow: Flow, nonce: str) -> None:
    event = ChallengeSent(at=AT, source=str(flow.remote), transport=flow.transport)
    guard.challenged(Challenged(401, (), event, nonce), flow, AT)


def is_dropped(guard: Guard, flow: Flow, now: float = AT) -> bool:
    return guard.screen(b"OPTIONS sip:x SIP/2.0", flow, now) is not None


@pytest.mark.parametrize(
    "agent",
    ["friendly-scanner", "sipcli/v1.8", "VaxSIPUserAgent/3.1", "pplsip", "SIPVicious 0.3", "x Friendly-Scanner"],
)
def test_a_scanner_is_known_by_its_name(guard: Guard, agent: str) -> None:
    assert guard.inspect(request("OPTIONS", "sip:100@192.0.2.1", ("User-Agent", agent)), UDP, AT) is not None


@pytest.mark.parametrize(
    "sender", ['"sipvicious"<sip:100@1.1.1.1>;tag=66', "sipvicious <sip:9@x>", "sip:100@1.1.1.1", "<sip:100@1.1.1.1>"]
)
def test_svmap_is_known_by_its_sender_whatever_name_it_gives(guard: Guard, sender: str) -> None:
    message = request("OPTIONS", "sip:100@192.0.2.1", ("User-Agent", "Grandstream"))
    message.headers.set("From", sender)

    assert guard.inspect(message, UDP, AT) is not None


@pytest.mark.parametrize("agent", ["Asterisk PBX 20", "Tiesse Imola", "Linphone/5.2", ""])
def test_honest_devices_pass(guard: Guard, agent: str) -> None:
    assert guard.inspect(request("OPTIONS", "sip:100@192.0.2.1", ("User-Agent", agent)), UDP, AT) is None


def test_the_list_of_names_is_the_operators() -> None:
    guard = guard_with(scanner_agents="Evil , other")

    assert guard.inspect(request("OPTIONS", "sip:x@y", ("User-Agent", "evil/1")), UDP, AT) is not None
    assert guard.inspect(request("OPTIONS", "sip:x@y", ("User-Agent", "sipcli")), UDP, AT) is None


def test_a_scanner_is_banned_until_the_time_is_over(guard: Guard) -> None:
    assert scan(guard, UDP) == [ScannerDetected, SourceBanned]
    assert is_dropped(guard, UDP)
    assert is_dropped(guard, TCP)  # the address, whatever port and transport

    [over] = guard.bans.expire(AT + BAN_S)

    assert isinstance(over, SourceUnbanned)
    assert not is_dropped(guard, UDP, AT + BAN_S)


def test_a_gateway_cannot_be_banned_with_a_scanners_forged_packet(guard: Guard) -> None:
    guard.signed_in(UDP, AT)
    forged = Flow("udp", UDP.local, Address(UDP.remote.host, 666))

    assert scan(guard, forged, AT + 86_400) == [ScannerDetected]  # long after its registration ran out
    assert not is_dropped(guard, UDP, AT + 86_400)


def test_a_connection_cannot_be_forged_but_a_port_that_signed_in_goes_on(guard: Guard) -> None:
    guard.signed_in(UDP, AT)

    assert scan(guard, TCP) == [ScannerDetected, SourceBanned]
    assert is_dropped(guard, TCP)
    assert not is_dropped(guard, UDP)


def test_failed_sign_ins_ban_who_answered_our_challenge(guard: Guard) -> None:
    give_nonce(guard, UDP, "ours")

    told = [fail(guard, UDP, "ours") for _ in range(3)]

    assert told == [[], [], [SourceBanned]]
    assert is_dropped(guard, UDP)


def test_failed_sign_ins_over_a_connection_need_no_other_proof(guard: Guard) -> None:
    assert [fail(guard, TCP, None) for _ in range(3)][-1] == [SourceBanned]


def test_nobody_is_banned_with_forged_sign_ins(guard: Guard) -> None:
    attacker = Flow("udp", UDP.local, Address("198.51.100.66", 5060))
    give_nonce(guard, attacker, "the attacker's")

    told = [fail(guard, UDP, nonce) for nonce in ("the attacker's", "invented", None) for _ in range(10)]

    assert not any(told)


def test_failures_that_lie_far_apart_are_forgiven(guard: Guard) -> None:
    told = [fail(guard, TCP, None, AT + 700 * number) for number in range(10)]

    assert not any(told)


def test_a_port_that_fails_itself_loses_its_credit(guard: Guard) -> None:
    guard.signed_in(TCP, AT)

    for _ in range(3):
        fail(guard, TCP, None)

    assert is_dropped(guard, TCP)


def test_trusted_networks_are_never_banned() -> None:
    guard = guard_with(trusted_networks="203.0.113.0/24")

    assert guard.inspect(request("OPTIONS", "sip:x@y", ("User-Agent", "sipcli")), TCP, AT) is None
    assert not any(fail(guard, TCP, None) for _ in range(10))


def test_an_operators_ban_is_above_everything(guard: Guard) -> None:
    guard.signed_in(UDP, AT)

    guard.bans.take({"203.0.113.9": "he knows why", "nonsense:": "", "2001:db8:1:2::77": "a whole /64"}, AT)

    assert is_dropped(guard, UDP)
    assert is_dropped(guard, Flow("udp", UDP.local, Address("2001:db8:1:2::1", 5060)))
    assert guard.bans.take({}, AT) == []  # lifted; the operator need not be told
    assert not is_dropped(guard, UDP)


def test_a_ban_that_an_operator_lifts_is_told_and_over(guard: Guard) -> None:
    scan(guard, UDP)
    [(source, ban)] = guard.bans.unwritten.items()
    guard.bans.take({}, AT + 1)
    assert is_dropped(guard, UDP)  # not written yet, so nobody can have lifted it
    guard.bans.written(source)

    kept = guard.bans.take({source: ban.model_dump_json()}, AT + 2)
    [lifted] = guard.bans.take({}, AT + 3)

    assert kept == []
    assert lifted.reason == "lifted"
    assert not is_dropped(guard, UDP)


def test_only_the_replica_that_banned_tells_of_the_end(guard: Guard) -> None:
    other = guard_with(instance="proxy-2")
    scan(other, UDP)
    [(source, ban)] = other.bans.unwritten.items()
    guard.bans.take({source: ban.model_dump_json()}, AT)

    assert is_dropped(guard, UDP)
    assert guard.bans.take({}, AT + 1) == []


def test_a_flood_is_dropped_counted_and_told_once_a_window(guard: Guard) -> None:
    dropped = [each for _ in range(5000) if (each := guard.screen(b"OPTIONS sip:x SIP/2.0", UDP, AT)) is not None]
    told = [event for each in dropped for event in each.events]
    summed = guard.due(AT + 10)

    assert len(dropped) == guard.counters["dropped_flood"] == 4700
    assert [type(event) for event in (*told, *summed)] == [FloodDetected, FloodDetected]
    assert sum(event.count for event in (*told, *summed) if isinstance(event, FloodDetected)) == 4700


def test_malformed_messages_are_summed_up_once_a_second(guard: Guard) -> None:
    told = [event for _ in range(100) for event in guard.malformed("noise", UDP, AT)]

    assert [type(event) for event in (*told, *guard.due(AT + 1))] == [RequestBadFormat, RequestBadFormat]


def test_a_flood_of_garbage_is_told_as_garbage(guard: Guard) -> None:
    for _ in range(1000):
        guard.screen(b"\x16\x03\x01\x02", UDP, AT)

    summed = guard.due(AT + 10)

    assert guard.counters["malformed"] == guard.counters["dropped_flood"] == 700
    assert [type(event) for event in summed] == [RequestBadFormat]
