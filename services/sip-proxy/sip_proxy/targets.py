"""Where a request for a registered device goes: to which of its bindings, and in which order."""

from collections.abc import Iterable
from itertools import groupby

from sip_proxy.forwarding import Target
from sip_proxy.registrar import Binding
from sip_proxy.sip.message import Request
from sip_proxy.sip.uri import is_secure
from sip_proxy.wire import Wire


def reachable(bindings: Iterable[Binding], request: Request, wire: Wire) -> tuple[Binding, ...]:
    """Those whose connection is still there, and, for a sips: target, only those on TLS (RFC 3261 26.2.2)."""
    secure = is_secure(request.uri)
    return tuple(
        binding for binding in bindings if wire.is_open(binding.flow) and (binding.transport == "tls" or not secure)
    )


def targets_of(bindings: Iterable[Binding]) -> list[list[Target]]:
    """The targets in groups of equal q, the preferred first (RFC 3261 16.6): all of a group are tried at once, the
    groups one after the other."""
    ordered = sorted(bindings, key=lambda binding: -binding.q)
    return [
        [Target(binding.contact, binding.flow) for binding in group]
        for _, group in groupby(ordered, key=lambda binding: binding.q)
    ]
