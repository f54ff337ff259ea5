"""What nobody may read: not on the ladder, not in an event, a key's value or a log line; and what cannot be forged."""

import re
import socket
from collections.abc import Iterable
from typing import Any

import pytest

from shared.events import CallEnded, CallStarted, InvalidPassword, SipMessageSeen
from sip_proxy.sip.message import Response
from tests.integration.sip.calling import registered, talking
from tests.integration.sip.conftest import System
from tests.integration.sip.phone import Phone, sdp
from tests.waiting import wait_until

pytestmark = pytest.mark.integration

METHODS = ("INVITE", "REGISTER", "OPTIONS", "SUBSCRIBE", "MESSAGE", "PUBLISH", "REFER", "UNHEARD")
MEDIA_KEY = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz"
SECURE_OFFER = sdp(4000).replace(b"RTP/AVP", b"RTP/SAVP") + b"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:%b\r\n" % (
    MEDIA_KEY.encode()
)


async def all_of_redis(redis: Any) -> str:
    """Every value that somebody with redis-cli can read, but the secret that the nonces are made with."""
    kinds = {
        "string": lambda key: redis.get(key),
        "hash": lambda key: redis.hgetall(key),
        "set": lambda key: redis.smembers(key),
        "zset": lambda key: redis.zrange(key, 0, -1),
        "list": lambda key: redis.lrange(key, 0, -1),
        "stream": lambda key: redis.xrange(key),
    }
    found = [repr(await kinds[await redis.type(key)](key)) for key in await redis.keys() if "secret" not in key]
    return "\n".join(found)


def digests(messages: Iterable[bytes]) -> set[str]:
    """Nonces and responses that went over the wire."""
    text = b"\n".join(messages).decode()
    return set(re.findall(r'(?:nonce|response)="([^"]+)"', text))


class Wiretap(Phone):
    """Remembers what it sends."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.sent: list[bytes] = []

    def send(self, octets: bytes) -> None:
        self.sent.append(octets)
        super().send(octets)


async def test_no_secret_of_a_call_can_be_read_anywhere(system: System, capsys: pytest.CaptureFixture[str]) -> None:
    _, bob = await registered(system)
    async with Wiretap(system.app.address, "gateway-monitor", "VoipQuality2025!") as alice:
        await alice.register()
        await alice.invite("gateway-test", body=SECURE_OFFER)
        invite = await bob.request("INVITE")
        bob.send(bob.answer(invite, 200, body=SECURE_OFFER))
        call = alice.caller_side(await alice.response("INVITE"))
        alice.send(alice.in_dialog("ACK", call))
        alice.send(alice.in_dialog("BYE", call))
        bob.send(bob.answer(await bob.request("BYE"), 200))
        alice.send(alice.write("REGISTER", f"sip:{alice.domain}", 'Authorization: Digest response="c0ffee", x'))
        await alice.response("REGISTER", 400)
        alice.password = "MyOtherPassword"
        await alice.register()
        secrets = {"VoipQuality2025!", "MyOtherPassword", MEDIA_KEY, "c0ffee"} | digests(alice.sent)
    await system.hears(CallEnded)
    await system.hears(InvalidPassword)
    ladder = system.told(SipMessageSeen)

    async def stored() -> bool:
        return await system.redis.xlen("vqm:sip") >= len(ladder)

    await wait_until(stored, "all is in Redis")
    said = capsys.readouterr()
    told = "\n".join(event.model_dump_json() for event in system.outbox.events)
    public = "\n".join((told, await all_of_redis(system.redis), said.out, said.err))

    assert len(secrets) > 8
    assert {secret for secret in secrets if secret in public} == set()
    assert "inline:***" in public
    assert MEDIA_KEY.encode() in invite.body  # the callee needs it


async def test_a_line_end_in_a_value_is_no_new_field(system: System) -> None:
    phone = await system.phone()
    forgeries = (
        '"A\r\nX-Evil: yes" <sip:a@b>;tag=1',
        '"A\rX-Evil: yes" <sip:a@b>;tag=1',
        "<sip:a@b\nX-Evil: yes>;tag=1",
    )

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as deaf:  # the refusals quote what is broken
        for value in forgeries:
            deaf.sendto(phone.write("INVITE", f"sip:gateway-test@{phone.domain}", from_=value), system.app.address)
        await wait_until(lambda: system.app.counters().get("malformed") == len(forgeries), "all are refused")

    assert system.told(CallStarted) == []
    assert "Evil" not in "".join(event.model_dump_json() for event in system.outbox.events)


async def test_escaped_line_ends_stay_escaped_on_every_way(system: System) -> None:
    alice, bob = await registered(system)
    name = '"Evil%0d%0aX-Evil: yes \\" <script>"'

    await alice.invite(
        "gateway-test", body=sdp(4000), from_=f"{name} <sip:gateway-monitor%0d%0aX-Evil:1@{alice.domain}>;tag=e"
    )
    invite = await bob.request("INVITE")

    assert "X-Evil" not in invite.headers
    assert (invite.headers.get("From") or "").startswith(name)
    [started] = await system.hears(CallStarted)
    assert "\n" not in started.caller
    assert "\r" not in started.caller


async def test_headers_in_a_uri_never_become_fields(system: System) -> None:
    alice, bob = await system.phone(), await system.other_phone()
    await alice.register()
    hostile = f"Contact: <sip:gateway-test@10.0.0.9:{bob.port}?Route=%3Csip:evil.example%3E&X-Evil=yes>"
    uri, to = f"sip:{bob.domain}", f"<sip:gateway-test@{bob.domain}>"
    await bob.authenticated("REGISTER", uri, "Expires: 600", hostile, to=to)
    registered_as = await bob.response("REGISTER")

    alice.send(alice.write("INVITE", f"sip:gateway-test@{alice.domain}?X-Evil=yes"))
    in_request = await alice.response("INVITE")
    await alice.invite("gateway-test", body=sdp(4000))

    invite = await bob.request("INVITE")

    assert (registered_as.status, in_request.status) == (200, 400)
    assert "X-Evil" not in invite.headers
    assert "evil" not in "".join(invite.headers.get_all("Route"))


@pytest.mark.parametrize("method", ["INVITE", "BYE"])
async def test_a_device_is_not_asked_for_our_credentials_by_another(system: System, method: str) -> None:
    alice, bob = await registered(system)
    ours = 'WWW-Authenticate: Digest REALM = "vqm", nonce="chosen by bob"'
    foreign = 'WWW-Authenticate: Digest realm="elsewhere", nonce="x"'
    answers = []

    for challenge in (ours, foreign):
        if method == "INVITE":
            await alice.invite("gateway-test", body=sdp(4000))
        else:
            call, _ = await talking(alice, bob)
            alice.send(alice.in_dialog("BYE", call))
        bob.send(bob.answer(await bob.request(method), 401, challenge))
        answers.append(await alice.response(method))

    assert [answer.status for answer in answers] == [403, 401]
    assert "WWW-Authenticate" not in answers[0].headers
    assert answers[1].headers.get("WWW-Authenticate") == 'Digest realm="elsewhere", nonce="x"'


def fingerprint(answer: Response, user: str) -> str:
    """All that a stranger can compare: the whole answer but for what differs from one request to the next."""
    text = answer.encode().decode()
    for changing in (r"branch=[^;\r]+", r"tag=[^;\r]+", r'nonce="[^"]+"', r"\r\ni: .*", r"\r\nCall-ID: .*"):
        text = re.sub(changing, "*", text)
    return re.sub(r"CSeq: \d+", "CSeq", text).replace(user, "USER")


@pytest.mark.parametrize("method", METHODS)
async def test_known_and_unknown_users_are_answered_alike(system: System, method: str) -> None:
    _, stranger = await registered(system), await system.phone("svwar", "x", host="127.0.0.2")
    seen = set()

    for user in ("gateway-test", "welcome-gw", "no-such-user", "0123456789"):
        stranger.send(stranger.write(method, f"sip:{user}@{stranger.domain}", to=f"<sip:{user}@{stranger.domain}>"))
        seen.add(fingerprint(await stranger.response(method), user))

    assert len(seen) == 1


async def test_a_wrong_password_and_an_unknown_account_are_answered_alike(system: System) -> None:
    seen = set()

    for user in ("gateway-test", "no-such-user"):
        phone = await system.phone(user, "wrong", host="127.0.0.2")
        seen.add(fingerprint(await phone.register(), user).replace(str(phone.port), "PORT"))

    assert len(seen) == 1
