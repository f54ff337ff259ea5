"""Path (RFC 3327) and outbound (RFC 5626) in REGISTER."""

import pytest

from sip_proxy.registration.outbound import answered, asks_for_flow, path_of
from sip_proxy.sip.errors import SipParseError
from sip_proxy.sip.message import Request
from tests.unit.sip_proxy.builders import request

NAMED = '<sip:alice@10.0.0.7;ob>;+sip.instance="<urn:uuid:1>";reg-id=1'
OUTBOUND = ("Supported", "gruu, outbound")
EDGE = ("Via", "SIP/2.0/UDP edge.example.com;branch=z9hG4bKedge")


def register(*headers: tuple[str, str], contact: str | None = NAMED) -> Request:
    return request("REGISTER", "sip:example.com", *headers, contact=contact)


def test_a_path_is_kept_as_it_was_written_and_told_to_who_understands_it() -> None:
    path = [("Path", "<sip:a.example.com;lr>"), ("Path", '"B, or so" <sip:b.example.com;lr;x=%20>;p=1')]

    known = register(*path, ("k", "path"))

    assert path_of(known) == tuple(value for _, value in path)
    assert answered(known) == path
    assert answered(register(*path)) == []


@pytest.mark.parametrize("path", ["<tel:1>", "nonsense", "<sip:a", "<sip:\udce8@h>", f"<sip:{'x' * 400}@h>, " * 4])
def test_a_path_that_cannot_be_kept_is_refused(path: str) -> None:
    message = register()
    message.headers.add("Path", path)

    with pytest.raises(SipParseError):
        path_of(message)


def test_a_flow_is_promised_to_who_asks_for_it() -> None:
    assert answered(register(OUTBOUND)) == [("Require", "outbound"), ("Flow-Timer", "120")]


@pytest.mark.parametrize(
    "message",
    [
        register(),
        register(OUTBOUND, contact="<sip:alice@10.0.0.7>"),
        register(OUTBOUND, contact='<sip:alice@10.0.0.7>;+sip.instance="<urn:uuid:1>"'),
        register(OUTBOUND, contact="<sip:alice@10.0.0.7>;reg-id=1"),
        register(OUTBOUND, ("Expires", "0"), contact="*"),
        register(OUTBOUND, contact=None),
    ],
)
def test_who_does_not_name_a_flow_is_promised_none(message: Request) -> None:
    assert not asks_for_flow(message)


@pytest.mark.parametrize(
    ("path", "kept"), [([], False), (["<sip:edge.example.com;lr>"], False), (["<sip:edge.example.com;lr;ob>"], True)]
)
def test_a_proxy_before_us_has_to_keep_the_flow(path: list[str], kept: bool) -> None:
    message = register(OUTBOUND, EDGE, *(("Path", value) for value in path))

    if kept:
        assert asks_for_flow(message)
        return
    with pytest.raises(SipParseError) as caught:
        asks_for_flow(message)
    assert caught.value.status == 439
