"""Which of a device's bindings a request may take, and can."""

from collections.abc import Iterable

from sip_proxy.registrar import Binding
from sip_proxy.sip.message import Request
from sip_proxy.wire import Wire


def is_secure(uri: str) -> bool:
    """Whether a Request-URI is of the sips: scheme."""
    return uri[:5].lower() == "sips:"


def reachable(bindings: Iterable[Binding], request: Request, wire: Wire) -> tuple[Binding, ...]:
    """Those whose connection is still there, and, for a sips: target, only those on TLS (RFC 3261 26.2.2)."""
    secure = is_secure(request.uri)
    return tuple(
        binding for binding in bindings if wire.is_open(binding.flow) and (binding.transport == "tls" or not secure)
    )
