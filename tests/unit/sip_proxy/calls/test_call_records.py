"""What is known of a call: its parties by their tags, and our side of a dialog."""

import pytest

from sip_proxy.calls.call_record import CallRecord
from sip_proxy.calls.dialog_ends import DialogEnd
from sip_proxy.effects import Flow
from sip_proxy.media.anchoring import MAX_DIALOGS
from sip_proxy.sip.dialog import Dialog
from tests.unit.sip_proxy.builders import AT, FROM_ALICE, SITE, TO_BOB, answer, request


def record(**changes: object) -> CallRecord:
    return CallRecord.model_validate(
        {
            "call_id": "call-1",
            "instance": "proxy-1",
            "caller": "alice@example.com",
            "callee": "bob@example.com",
            "started_at": AT,
            "caller_tag": "alice",
            "caller_flow": FROM_ALICE.to_text(),
            "callee_flows": {"bob": TO_BOB.to_text()},
            **changes,
        }
    )


def test_parties_are_known_by_both_tags() -> None:
    assert record().party_of(request("BYE", from_tag="alice", to_tag="bob")) == "caller"
    assert record().party_of(request("BYE", from_tag="bob", to_tag="alice")) == "callee"
    assert record().party_of(request("BYE", from_tag="alice", to_tag="mallory")) is None
    assert record().party_of(request("BYE", from_tag="mallory", to_tag="alice")) is None


def test_a_party_is_reached_where_it_speaks_from() -> None:
    to_callee, to_caller = request("BYE", to_tag="bob"), request("BYE", from_tag="bob", to_tag="alice")

    assert record().flow_to("callee", to_callee) == TO_BOB
    assert record().flow_to("caller", to_caller) == FROM_ALICE
    assert record().flow_to("callee", request("BYE", to_tag="unknown")) is None


def test_only_the_answered_dialog_is_the_call() -> None:
    forked = record(callee_tag="bob", callee_flows={"bob": TO_BOB.to_text(), "carol": TO_BOB.to_text()})

    assert forked.is_answered_dialog(request("BYE", to_tag="bob"))
    assert not forked.is_answered_dialog(request("BYE", to_tag="carol"))


def test_a_flow_survives_redis() -> None:
    assert Flow.from_text(FROM_ALICE.to_text()) == FROM_ALICE


def test_our_bye_goes_back_the_way_the_invite_came() -> None:
    invite = request(
        "INVITE", "sip:999@example.com", ("Record-Route", "<sip:one;lr>"), ("Record-Route", "<sip:two;lr>")
    )

    dialog, bye = Dialog.opened(invite, "ours", 1).request("BYE", "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKx")

    assert bye.uri == "sip:alice@10.0.0.7"
    assert (bye.from_().tag, bye.to().tag) == ("ours", "alice")
    assert bye.headers.get_all("Route") == ["<sip:one;lr>", "<sip:two;lr>"]
    assert (dialog.local_cseq, str(bye.cseq)) == (1, "1 BYE")


def test_a_dialog_follows_its_peer() -> None:
    dialog = Dialog.opened(request(cseq=5), "ours", 1)

    moved = dialog.received(request("INVITE", cseq=6, contact="<sip:alice@10.0.0.8>"))

    assert moved.remote_target == "sip:alice@10.0.0.8"
    assert moved.is_out_of_order(request("INFO", cseq=5))
    assert not moved.is_out_of_order(request("INFO", cseq=6))


def test_a_name_that_is_no_unicode_can_be_kept() -> None:
    invite = request()
    invite.headers.set("From", '"\udce8" <sip:alice@example.com>;tag=alice')

    dialog = Dialog.opened(invite, "ours", 1)

    assert Dialog.model_validate_json(dialog.model_dump_json()) == dialog


def test_an_end_follows_its_party_and_never_counts_back() -> None:
    end = DialogEnd.of_caller(request(cseq=5))

    moved = end.heard(request("UPDATE", cseq=7, contact="<sip:alice@10.0.0.8>"))
    same = moved.heard(request("INFO", cseq=6, contact="<sip:alice@10.0.0.9>"))

    assert (moved.target, moved.cseq) == ("sip:alice@10.0.0.8", 7)
    assert same == moved


def test_what_a_callee_sent_before_it_answered_still_counts() -> None:
    ringing = answer(request(), 180, headers=[("Contact", "<sip:bob@10.0.0.9>")])
    early = record().reached("bob", TO_BOB, DialogEnd.of_callee(ringing, SITE))
    early = early.heard("callee", request("UPDATE", from_tag="bob", to_tag="alice", cseq=40))

    answered = early.reached("bob", TO_BOB, DialogEnd.of_callee(answer(request(), 200), SITE)).answered("bob", AT)

    assert answered.callee_ends["bob"].cseq == 40
    assert CallRecord.model_validate_json(answered.model_dump_json()) == answered


@pytest.mark.parametrize("broken", [("Contact", "<<"), ("Record-Route", "<<"), ("Contact", "*")])
def test_a_broken_response_still_gives_an_end(broken: tuple[str, str]) -> None:
    end = DialogEnd.of_callee(answer(request(), 200, headers=[broken]), SITE)

    assert (end.target, end.route_set) == ("sip:bob@example.com", ())


def test_a_fork_cannot_open_dialogs_without_end_and_the_answered_one_stays() -> None:
    made = record(callee_tag="bob")
    end = DialogEnd.of_callee(answer(request(), 180), SITE)

    for number in range(10 * MAX_DIALOGS):
        made = made.reached(str(number), TO_BOB, end)

    assert len(made.callee_flows) == MAX_DIALOGS
    assert {"bob", str(10 * MAX_DIALOGS - 1)} <= made.callee_flows.keys()
