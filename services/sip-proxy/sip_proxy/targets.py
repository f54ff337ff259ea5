"""Where a request for a registered device goes: to which of its bindings, and in which order."""

from collections.abc import Iterable
from itertools import groupby

from sip_proxy.bindings import Binding
from sip_proxy.forwarding import Target
from sip_proxy.sip.message import Request
from sip_proxy.sip.uri import is_secure
from sip_proxy.wire import Wire


def targets_of(bindings: Iterable[Binding], request: Request, wire: Wire) -> list[list[Target]]:
    """The targets in groups of equal q, the preferred first (RFC 3261 16.6): all of a group are tried at once, the
    groups one after the other. Left out are those whose connection is gone, and, for a sips: target, those that are
    not on TLS (RFC 3261 26.2.2)."""
    secure = is_secure(request.uri)
    ordered = sorted(bindings, key=lambda binding: -binding.q)
    groups = [
        [
            Target(binding.contact, way)
            for binding in group
            if (binding.transport == "tls" or not secure) and (way := wire.way(binding.flow)) is not None
        ]
        for _, group in groupby(ordered, key=lambda binding: binding.q)
    ]
    return [group for group in groups if group]
