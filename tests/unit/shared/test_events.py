"""The contract: what is written is read back, what is not ours is refused, and the page in docs/ is the truth."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.events import STREAMS, CallEnded, MalformedEntry, SipMessageSeen, decode, encode, message_seen
from shared.events.document import document
from shared.testing import call_ended, call_started, media_assigned, slices_measured

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("event", [call_started(), call_ended(), media_assigned(), slices_measured()])
def test_an_event_is_read_back_as_it_was_written(event):
    assert decode(encode(event)) == event


@given(
    at=st.floats(1, 4e9),
    texts=st.tuples(*[st.text(min_size=1, max_size=60)] * 5),
    transport=st.sampled_from(["udp", "tcp", "tls"]),
    cseq=st.integers(0, 2**32 - 1),
    answer=st.one_of(st.just((None, None)), st.tuples(st.integers(100, 699), st.none() | st.text(max_size=60))),
)
def test_a_message_is_written_as_its_event_would_be(at, texts, transport, cseq, answer):
    call_id, local, remote, method, text = texts
    values = {
        "at": at,
        "call_id": call_id,
        "direction": "sent",
        "transport": transport,
        "local": local,
        "remote": remote,
        "method": method,
        "cseq": cseq,
        "status": answer[0],
        "reason_phrase": answer[1],
        "text": text,
    }

    assert message_seen(**values) == encode(SipMessageSeen(**values))


def test_the_fields_can_be_read_by_people():
    fields = encode(call_started())

    assert fields["type"] == "CallStarted"
    assert fields["call_id"] == "call-1"
    assert fields["at"] == "1700000000.000000"


def test_a_field_of_a_newer_writer_is_ignored():
    fields = encode(call_ended())
    fields["data"] = fields["data"].replace("{", '{"new_field":1,', 1)

    assert isinstance(decode(fields), CallEnded)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"type": "Nonsense", "data": "{}"},
        {"type": "CallEnded"},
        {"type": "CallEnded", "data": "not json"},
        {"type": "CallEnded", "data": "[]"},
        {"type": "CallEnded", "data": '{"at":1,"call_id":"x","final_code":7}'},
        {"type": "CallEnded", "data": '{"at":-1,"call_id":"x"}'},
    ],
)
def test_an_entry_that_is_no_event_is_malformed(fields):
    with pytest.raises(MalformedEntry):
        decode(fields)


@given(st.dictionaries(st.sampled_from(["type", "data", "at", "call_id"]) | st.text(), st.text()))
def test_no_entry_raises_anything_else(fields):
    with pytest.raises(MalformedEntry):
        decode(fields)


def test_every_type_is_named_after_its_class_and_lives_on_one_stream():
    names = [event.__name__ for stream in STREAMS for event in stream.events]

    assert len(names) == len(set(names))
    for stream in STREAMS:
        for event in stream.events:
            assert event.model_fields["type"].default == event.__name__


def test_the_page_about_events_is_what_the_classes_say():
    assert (ROOT / "docs/events.md").read_text() == document(), "run `make events-doc`"
