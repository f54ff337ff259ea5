"""Which message belongs to which transaction (RFC 3261 17.1.3, 17.2.3)."""

import pytest

from sip_proxy.effects import PassUp, Send, Terminated
from sip_proxy.sip.transactions import Timers, TransactionLayer, client_key, server_key
from tests.unit.sip_proxy.builders import FROM_ALICE, TO_BOB, answer, request


@pytest.fixture
def layer() -> TransactionLayer:
    return TransactionLayer(Timers())


def test_a_new_request_belongs_to_none(layer: TransactionLayer) -> None:
    layer.open_server(request(branch="z9hG4bKother"), FROM_ALICE)

    assert layer.receive_request(request()) is None


def test_a_repeated_request_and_the_ack_belong_to_the_invite(layer: TransactionLayer) -> None:
    key = layer.open_server(request(), FROM_ALICE)
    layer.respond(key, answer(request(), 486))

    again = layer.receive_request(request())
    ack = layer.receive_request(request("ACK", to_tag="bob"))

    assert again is not None
    assert isinstance(again[0], Send)
    assert ack is not None


def test_a_cancel_is_a_transaction_of_its_own_that_names_the_invite(layer: TransactionLayer) -> None:
    key = layer.open_server(request(), FROM_ALICE)

    assert layer.receive_request(request("CANCEL")) is None
    assert layer.invite_of(request("CANCEL")) == key
    assert layer.invite_of(request("CANCEL", branch="z9hG4bKother")) is None


def test_what_a_request_was_answered_last_is_known_while_its_transaction_runs(layer: TransactionLayer) -> None:
    key = layer.open_server(request(), FROM_ALICE)
    before = layer.last_response(key)

    layer.respond(key, answer(request(), 180))
    ringing = layer.last_response(key)
    layer.abandon(key)

    assert before is None
    assert ringing is not None
    assert ringing.status == 180
    assert layer.last_response(key) is None


def test_another_sent_by_is_another_transaction() -> None:
    mine, other = request(), request()
    other.headers.set("Via", "SIP/2.0/UDP 198.51.100.8:40000;branch=z9hG4bKa")

    assert server_key(mine) != server_key(other)


def test_peers_of_rfc_2543_are_told_apart_without_a_cookie() -> None:
    first, again = request(branch="1"), request(branch="1")
    next_call, ack = request(branch="1", call_id="call-2"), request("ACK", branch="1", to_tag="bob")

    assert server_key(first) == server_key(again) == server_key(ack)
    assert server_key(first) != server_key(next_call)


def test_a_response_finds_the_request_that_it_answers(layer: TransactionLayer) -> None:
    sent = request()
    key, _ = layer.open_client(sent, TO_BOB)
    ringing = answer(sent, 180)

    effects = layer.receive_response(ringing)

    assert client_key(ringing) == key
    assert effects is not None
    assert PassUp(key, ringing) in effects


def test_a_late_response_belongs_to_none(layer: TransactionLayer) -> None:
    assert layer.receive_response(answer(request(), 200)) is None


def test_what_is_over_is_forgotten(layer: TransactionLayer) -> None:
    sent = request("OPTIONS")
    key, _ = layer.open_client(sent, TO_BOB)
    server = layer.open_server(request("OPTIONS", branch="z9hG4bKb"), FROM_ALICE)
    assert len(layer) == 2

    layer.receive_response(answer(sent, 200))
    layer.fire(key, "K")
    abandoned = layer.abandon(server)

    assert len(layer) == 0
    assert isinstance(abandoned[0], Terminated)
    assert layer.fire(key, "K") == ()
