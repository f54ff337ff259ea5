"""STUN binding requests on the SIP port (RFC 5626 4.4.2, RFC 8489): the keepalive of phones that want to learn whether
their NAT still shows them at the same address. Pure."""

import struct
from ipaddress import ip_address

from sip_proxy.effects import Address

_BINDING_REQUEST, _BINDING_SUCCESS = 0x0001, 0x0101
_XOR_MAPPED_ADDRESS = 0x0020
_COOKIE = 0x2112A442
_FAMILIES = {4: 1, 6: 2}
_header = struct.Struct("!HHI12s")  # type, length of what follows, magic cookie, transaction id


def answer(octets: bytes, source: Address) -> bytes | None:
    """The response to a binding request; None for anything else, as no SIP message begins with a zero octet."""
    if len(octets) < _header.size:
        return None
    kind, length, cookie, transaction = _header.unpack_from(octets)
    if (kind, cookie) != (_BINDING_REQUEST, _COOKIE) or length != len(octets) - _header.size:
        return None
    mapped = _xor_mapped_address(source, transaction)
    return _header.pack(_BINDING_SUCCESS, len(mapped), _COOKIE, transaction) + mapped


def _xor_mapped_address(source: Address, transaction: bytes) -> bytes:
    """RFC 8489 14.2: hidden from NATs that replace every address they find in a packet."""
    host = ip_address(source.host)
    mask = struct.pack("!I", _COOKIE) + transaction
    hidden = bytes(octet ^ key for octet, key in zip(host.packed, mask, strict=False))
    value = struct.pack("!BBH", 0, _FAMILIES[host.version], source.port ^ (_COOKIE >> 16)) + hidden
    return struct.pack("!HH", _XOR_MAPPED_ADDRESS, len(value)) + value
