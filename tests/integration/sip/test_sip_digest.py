"""Digest on the live port: what a second use, another port and another replica of the same nonce are worth."""

import re
from typing import Any

import pytest

from shared.events import ChallengeResponseFailed, DeviceRegistered, SuccessfulAuth
from sip_proxy.sip.message import Response
from tests.conftest import BrokerProcess
from tests.integration.sip.conftest import System, running
from tests.integration.sip.phone import Phone

pytestmark = pytest.mark.integration

# What is new in every answer; our tag covers the Via, with the port of the phone.
NONCE = re.compile(rb'nonce="[^"]{26}"')
TAG = re.compile(rb"tag=[0-9a-f]{8}")


async def challenged(phone: Phone, method: str = "REGISTER", user: str | None = None) -> tuple[Response, str]:
    """A challenge, and the URI it was for."""
    uri = f"sip:{phone.domain}" if user is None else f"sip:{user}@{phone.domain}"
    octets = phone.write(method, uri, to=f"<sip:{phone.user}@{phone.domain}>")
    phone.send(octets)
    challenge = await phone.response(method, 401, 407)
    if method == "INVITE":
        phone.send(phone.ack_refusal(octets, challenge))
    return challenge, uri


async def answer(phone: Phone, uri: str, *headers: str, method: str = "REGISTER") -> Response:
    """What a request gets; each is a new one, in a new call."""
    octets = phone.write(method, uri, *headers, to=f"<sip:{phone.user}@{phone.domain}>")
    phone.send(octets)
    response = await phone.response(method)
    if method == "INVITE" and response.status >= 300:
        phone.send(phone.ack_refusal(octets, response))
    return response


async def test_credentials_seen_on_the_wire_are_worth_nothing(system: System) -> None:
    phone, thief = await system.phone(), await system.phone()
    challenge, uri = await challenged(phone)
    proof = phone.credentials(challenge, "REGISTER", uri)

    first = await answer(phone, uri, proof)
    second = await answer(thief, uri, proof)

    assert (first.status, second.status) == (200, 401)
    assert "stale=true" in (second.headers.get("WWW-Authenticate") or "")  # the owner would go on by himself
    assert len(system.told(DeviceRegistered)) == len(system.told(SuccessfulAuth)) == 1
    [failed] = await system.hears(ChallengeResponseFailed)
    assert failed.source == f"127.0.0.1:{thief.port}"


async def test_a_call_with_used_credentials_is_challenged_again(system: System) -> None:
    phone = await system.phone()
    challenge, uri = await challenged(phone, "INVITE", "gateway-test")
    proof = phone.credentials(challenge, "INVITE", uri)

    answers = [await answer(phone, uri, proof, method="INVITE") for _ in range(2)]

    assert [each.status for each in answers] == [480, 407]
    assert "stale=true" in (answers[1].headers.get("Proxy-Authenticate") or "")


async def test_a_client_that_counts_on_need_not_be_challenged_again(system: System) -> None:
    phone = await system.phone()
    challenge, uri = await challenged(phone)

    statuses = [
        (await answer(phone, uri, phone.credentials(challenge, "REGISTER", uri, count=count))).status
        for count in (1, 2, 5, 4, 4)
    ]

    assert statuses == [200, 200, 200, 200, 401]


async def test_without_qop_a_nonce_is_good_once(system: System) -> None:
    phone = await system.phone()
    challenge, uri = await challenged(phone)
    proof = phone.credentials(challenge, "REGISTER", uri, qop=False)

    assert [(await answer(phone, uri, proof)).status for _ in range(2)] == [200, 401]


async def test_a_nat_may_change_the_port_between_challenge_and_answer(system: System) -> None:
    before, after = await system.phone(), await system.phone()
    challenge, uri = await challenged(before)

    assert (await answer(after, uri, after.credentials(challenge, "REGISTER", uri))).status == 200


async def test_a_challenge_for_a_call_may_be_answered_in_either_field(system: System) -> None:
    phone = await system.phone()
    challenge, uri = await challenged(phone, "INVITE", "gateway-test")
    proof = phone.credentials(challenge, "INVITE", uri).replace("Proxy-Authorization", "Authorization")

    assert (await answer(phone, uri, proof, method="INVITE")).status == 480


async def test_any_replica_takes_the_challenge_of_another_and_none_takes_it_twice(broker: BrokerProcess) -> None:
    async with running(broker) as first, running(broker, flush=False, instance="proxy-2") as second:
        here, there = await first.phone(), await second.phone()
        there.domain = here.domain
        challenge, uri = await challenged(here)
        proof = here.credentials(challenge, "REGISTER", uri)

        statuses = [(await answer(phone, uri, proof)).status for phone in (there, here, there)]

    assert statuses == [200, 401, 401]


@pytest.mark.parametrize("algorithms", ["MD5", "SHA-256", "SHA-256,MD5", "MD5,SHA-256"])
async def test_a_device_registers_with_the_first_algorithm_offered(broker: BrokerProcess, algorithms: str) -> None:
    async with running(broker, digest_algorithms=algorithms) as system:
        phone = await system.phone()

        assert (await phone.register()).status == 200


async def raw_answer(system: System, user: str) -> bytes:
    """The whole second challenge, after wrong credentials, with what differs from request to request blotted out."""
    phone = await system.phone(user, "guess")
    challenge, uri = await challenged(phone)
    proof = phone.credentials(challenge, "REGISTER", uri)
    fields: dict[str, Any] = {"call_id": "same", "cseq": 7, "branch": "z9hG4bKsame", "from_": f"<{uri}>;tag=same"}
    phone.send(phone.write("REGISTER", uri, proof, to="<sip:someone@example.com>", **fields))
    octets = (await phone.response("REGISTER")).encode()
    assert NONCE.search(octets)
    return TAG.sub(b"", NONCE.sub(b"", octets)).replace(str(phone.port).encode(), b"PORT")


async def test_an_unknown_user_cannot_be_told_from_a_wrong_password_by_a_single_octet(system: System) -> None:
    assert await raw_answer(system, "gateway-monitor") == await raw_answer(system, "nobody-at-all")


async def test_ack_and_cancel_are_never_challenged(system: System) -> None:
    phone = await system.phone()
    uri = f"sip:gateway-test@{phone.domain}"

    for method in ("ACK", "CANCEL", "OPTIONS"):
        phone.send(phone.write(method, uri))
    await phone.receive(lambda message: message.cseq.method == "OPTIONS" and message.status == 407)

    assert (await phone.response("CANCEL")).status == 481
    assert phone.inbox == []


async def test_strangers_leave_nothing_behind(system: System) -> None:
    phone = await system.phone(password="guess")
    challenge, uri = await challenged(phone)

    for count in (1, 2, 3):
        assert (await answer(phone, uri, phone.credentials(challenge, "REGISTER", uri, count=count))).status == 401

    keys = [key async for key in system.redis.scan_iter(match="vqm:*", count=500)]
    assert [key for key in keys if key.startswith(("vqm:nonce:", "vqm:registration:"))] == []


async def test_credentials_without_a_count_are_refused_as_any_wrong_ones(system: System) -> None:
    phone = await system.phone()
    challenge, uri = await challenged(phone)
    proof = phone.credentials(challenge, "REGISTER", uri).replace(', nc=00000001, cnonce="abcd"', "")

    response = await answer(phone, uri, proof)

    assert response.status == 401
    assert "stale" not in (response.headers.get("WWW-Authenticate") or "")


@pytest.mark.parametrize("method", ["REGISTER", "INVITE", "MESSAGE"])
async def test_without_the_broker_nobody_is_refused_for_good(broker_process: BrokerProcess, method: str) -> None:
    async with running(broker_process) as system:
        phone = await system.phone()
        challenge, uri = await challenged(phone, method, None if method == "REGISTER" else "gateway-test")
        broker_process.stop()

        response = await answer(phone, uri, phone.credentials(challenge, method, uri), method=method)

    assert response.status == 503
    assert int(response.headers.get("Retry-After") or 0) > 0
