"""Where a request for a registered device goes: to which of its bindings, and in which order."""

from collections.abc import Iterable, Iterator
from itertools import groupby

from sip_proxy.effects import Flow
from sip_proxy.registration.bindings import Binding
from sip_proxy.routing.forwarding import Target
from sip_proxy.sip.message import Request
from sip_proxy.sip.uri import is_secure
from sip_proxy.wire import Wire


def targets_of(bindings: Iterable[Binding], request: Request, wire: Wire) -> list[list[Target]]:
    """The targets in groups of equal q, the preferred first (RFC 3261 16.6): all of a group are tried at once, the
    groups one after the other. Left out are those whose connection is gone, and, for a sips: target, those that are
    not on TLS (RFC 3261 26.2.2). `bindings`: the freshest first."""
    secure = is_secure(request.uri)
    ways = [
        (binding, way)
        for binding in bindings
        if (binding.transport == "tls" or not secure) and (way := wire.way(binding.flow)) is not None
    ]
    ordered = sorted(_one_flow_each(ways), key=lambda item: -item[0].q)
    return [
        [Target(binding.contact, way, binding.path) for binding, way in group]
        for _, group in groupby(ordered, key=lambda item: item[0].q)
    ]


def _one_flow_each(ways: Iterable[tuple[Binding, Flow]]) -> Iterator[tuple[Binding, Flow]]:
    """RFC 5626 6: all flows of one instance lead to the same device, which must not ring twice."""
    seen = set()
    for binding, way in ways:
        if binding.reg_id is None or binding.instance not in seen:
            yield binding, way
        seen.add(binding.instance)
