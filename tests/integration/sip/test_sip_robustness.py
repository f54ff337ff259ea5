"""Whatever comes to the SIP port: a clear answer or silence, a counted event, and the next call works."""

import random
from functools import partial

import pytest

from shared.events import CallAnswered, RequestBadFormat
from tests.integration.sip.conftest import System
from tests.integration.sip.phone import Phone, sdp
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

DATAGRAMS = 10_000


async def a_call_works(phone: Phone) -> bool:
    await phone.invite("999", body=sdp(4000))
    answer = await phone.response("INVITE")
    call = phone.caller_side(answer)
    phone.send(phone.in_dialog("ACK", call))
    phone.send(phone.in_dialog("BYE", call))
    return (await phone.response("BYE")).status == 200


async def test_ten_thousand_random_datagrams_are_counted_and_change_nothing(system: System) -> None:
    phone = await system.phone()
    chance = random.Random(1)
    garbage = [chance.randbytes(chance.randrange(8, 1400)) for _ in range(200)]

    def read(count: int) -> bool:
        counters = system.app.counters()
        return counters.get("malformed", 0) + counters.get("keepalives", 0) >= count

    # in portions that fit the receive buffer, whatever the kernel grants
    for sent in range(0, DATAGRAMS, len(garbage)):
        for octets in garbage:
            phone.send(octets)
        await wait_until(partial(read, sent + len(garbage)), "the garbage is read")

    await wait_until(
        lambda: sum(event.count for event in system.told(RequestBadFormat)) == system.app.counters()["malformed"],
        "every malformed datagram is told of",
    )
    assert system.app.counters()["malformed"] > 0.9 * DATAGRAMS
    assert len(system.told(RequestBadFormat)) < 100  # summed up
    assert phone.inbox == []  # silence
    assert await a_call_works(phone)


@pytest.mark.parametrize("keep", [0.05, 0.3, 0.6, 0.9, 0.999])
async def test_a_truncated_message_is_refused_or_ignored(system: System, keep: float) -> None:
    phone = await system.phone()
    whole = phone.write("INVITE", f"sip:999@{phone.domain}", body=sdp(4000))

    phone.send(whole[: int(len(whole) * keep)])

    [told] = await system.hears(RequestBadFormat)
    assert told.source == f"127.0.0.1:{phone.port}"
    assert await a_call_works(await system.phone())
    assert len(system.told(CallAnswered)) == 1


async def test_a_message_with_a_wrong_length_is_answered_400(system: System) -> None:
    phone = await system.phone()
    whole = phone.write("OPTIONS", f"sip:{phone.domain}").replace(b"Content-Length: 0", b"Content-Length: 500")

    phone.send(whole)

    assert (await phone.response("OPTIONS")).status == 400


@pytest.mark.parametrize("octets", [b"\r\n\r\n", b"\0\0\0\0", b"\0"])
async def test_keepalives_are_neither_answered_nor_told(system: System, octets: bytes) -> None:
    phone = await system.phone()

    phone.send(octets)

    assert await a_call_works(phone)
    assert system.told(RequestBadFormat) == []


@pytest.mark.parametrize(
    ("method", "user", "status"),
    [
        ("SUBSCRIBE", "gateway-test", 489),
        ("PUBLISH", "gateway-test", 489),
        ("NOTIFY", "gateway-test", 481),
        ("BYE", "gateway-test", 481),
        ("CANCEL", "gateway-test", 481),
        ("MESSAGE", "999", 405),
        ("UNHEARD", "999", 501),
        ("MESSAGE", "gateway-test", 407),
        ("OPTIONS", "gateway-test", 407),
        ("OPTIONS", "no-such-user", 407),
    ],
)
async def test_strangers_are_answered_without_learning_anything(
    system: System, method: str, user: str, status: int
) -> None:
    phone = await system.phone()
    octets = phone.write(method, f"sip:{user}@{phone.domain}")

    phone.send(octets)
    answer = await phone.response(method)

    assert answer.status == status
    assert system.app.counters()["transactions"] == 0  # nothing is remembered of them


async def test_hostile_header_values_are_refused(system: System) -> None:
    phone = await system.phone()

    phone.send(phone.write("OPTIONS", f"sip:{phone.domain}", from_=f"<sip:{'x' * 300}@a>;tag=one"))
    too_long = await phone.response("OPTIONS")
    phone.send(phone.write("INVITE", "tel:+390501234567"))
    scheme = await phone.response("INVITE")
    phone.send(phone.write("INVITE", f"sip:bob@{phone.domain}", "Proxy-Require: foo"))
    required = await phone.response("INVITE")
    phone.send(phone.write("INVITE", f"sip:bob@{phone.domain}").replace(b"Forwards: 70", b"Forwards: 0"))
    hops = await phone.response("INVITE")

    assert [answer.status for answer in (too_long, scheme, required, hops)] == [400, 416, 420, 483]


async def test_a_non_utf8_name_passes_and_breaks_nothing(system: System) -> None:
    phone = await system.phone()
    octets = phone.write("OPTIONS", f"sip:{phone.domain}", from_=f'"?" <sip:me@{phone.domain}>;tag=one')

    phone.send(octets.replace(b'"?"', b'"\xe8"'))
    answer = await phone.response("OPTIONS")

    assert answer.status == 200
    assert b'"\xe8"' in answer.encode()
