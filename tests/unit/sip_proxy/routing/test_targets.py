"""Where a request for a registered device goes."""

from typing import cast

from sip_proxy.effects import Flow
from sip_proxy.registration.bindings import Binding, Bindings
from sip_proxy.registration.registrar import Change, Limits, asked
from sip_proxy.routing.forwarding import Target
from sip_proxy.routing.targets import targets_of
from sip_proxy.wire import Wire
from tests.unit.sip_proxy.builders import AT, FROM_ALICE, TO_BOB, request


class Ways:
    """A network on which some connections are gone; the part of a `Wire` that is asked here."""

    def __init__(self, lost: tuple[Flow, ...]) -> None:
        self._lost = lost

    def way(self, flow: Flow) -> Flow | None:
        return None if flow in self._lost else flow


def bound(*registers: tuple[str, Flow]) -> Bindings:
    bindings: list[Binding] = []
    for contact, flow in registers:
        message = request("REGISTER", "sip:example.com", ("Path", "<sip:edge.example.com;lr>"), contact=contact)
        change = asked(message, flow, "proxy-1", AT, Limits())
        assert isinstance(change, Change)
        bindings += change.contacts
    return Bindings("alice@h", tuple(bindings))


def found(bindings: Bindings, *lost: Flow) -> list[list[Target]]:
    wire = cast(Wire, Ways(lost))
    return targets_of(bindings.live(AT), request("INVITE", "sip:alice@example.com"), wire)


def uris(bindings: Bindings, *lost: Flow) -> list[list[str]]:
    return [[target.uri for target in group] for group in found(bindings, *lost)]


FLOWS = bound(
    ('<sip:a@h1>;+sip.instance="<urn:uuid:1>";reg-id=1', FROM_ALICE),
    ('<sip:a@h2>;+sip.instance="<urn:uuid:1>";reg-id=2', TO_BOB),
    ("<sip:a@h3>", FROM_ALICE),
)


def test_of_the_flows_of_one_device_the_freshest_is_used() -> None:
    assert uris(FLOWS) == [["sip:a@h3", "sip:a@h2"]]


def test_when_that_flow_is_gone_the_other_is_used() -> None:
    assert uris(FLOWS, TO_BOB) == [["sip:a@h3", "sip:a@h1"]]


def test_groups_are_formed_by_preference() -> None:
    bindings = bound(("<sip:a@h1>;q=0.5, <sip:a@h2>, <sip:a@h3>;q=0.5", FROM_ALICE))

    assert uris(bindings) == [["sip:a@h2"], ["sip:a@h3", "sip:a@h1"]]


def test_a_device_is_reached_by_its_path() -> None:
    [[target, *_]] = found(FLOWS)

    assert target.routes == ("<sip:edge.example.com;lr>",)
