"""From a link-layer frame to the UDP or TCP payload in it: Ethernet, VLAN, PPPoE, SLL, raw IP; IPv4, IPv6; compiled."""

from typing import Final

import numba
import numpy as np
from numpy.typing import NDArray

from rtp_analyzer.compiled import compiled
from rtp_analyzer.taps.capture.byte_order import big_8, big_16, big_32, big_64
from rtp_analyzer.taps.capture.layout import BYTES, CUT_OFF, FRAGMENT, OTHER, PACKET_TYPE, TCP, UDP

# https://www.tcpdump.org/linktypes.html
NULL: Final = 0
ETHERNET: Final = 1
RAW_BSD: Final = 12
RAW_OPENBSD: Final = 14
RAW: Final = 101
LOOP: Final = 108
LINUX_SLL: Final = 113
IPV4: Final = 228
IPV6: Final = 229
LINUX_SLL2: Final = 276
_WITHOUT_HEADER: Final = (RAW_BSD, RAW_OPENBSD, RAW, IPV4, IPV6)
LINK_TYPES: Final = (NULL, ETHERNET, LOOP, LINUX_SLL, LINUX_SLL2, *_WITHOUT_HEADER)

ETHERTYPE_IPV4: Final = 0x0800
ETHERTYPE_IPV6: Final = 0x86DD
ETHERTYPE_PPPOE: Final = 0x8864
VLAN: Final = 0x8100  # IEEE 802.1Q
SERVICE_VLAN: Final = 0x88A8  # IEEE 802.1ad, and what came before it:
OLD_SERVICE_VLAN: Final = 0x9100
_MAX_TAGS: Final = 8
_PPPOE_BYTES: Final = 8  # RFC 2516 4, with the PPP protocol
_PPP_IPV4: Final = 0x0021
_PPP_IPV6: Final = 0x0057

_TCP: Final = 6
_UDP: Final = 17
_HOP_BY_HOP: Final = 0
_ROUTING: Final = 43
_FRAGMENT: Final = 44
_AUTHENTICATION: Final = 51
_DESTINATION: Final = 60
_MAX_EXTENSIONS: Final = 8
_IPV6_BYTES: Final = 40
_V4_MAPPED: Final = np.uint64(0xFFFF_0000_0000)

_INT: Final = numba.int64
_VOID: Final = numba.void


@compiled(_VOID(PACKET_TYPE, _INT), inlined=True)
def _step(packet: np.void, header: int) -> None:
    """Look behind a header of so many bytes."""
    packet["at"] += header
    packet["captured"] -= header
    packet["size"] -= header


@compiled(_VOID(PACKET_TYPE, _INT), inlined=True)
def _limit(packet: np.void, size: int) -> None:
    """What follows is so long; the rest is padding of the frame."""
    packet["size"] = min(packet["size"], size)
    packet["captured"] = min(packet["captured"], packet["size"])


@compiled(_INT(BYTES, PACKET_TYPE, _INT), inlined=True)
def _unwrap(data: NDArray[np.uint8], packet: np.void, ethertype: int) -> int:
    """Step over VLAN tags and PPPoE to the EtherType of what is in them; -1 when that is cut off."""
    for _ in range(_MAX_TAGS):
        if ethertype != VLAN and ethertype != SERVICE_VLAN and ethertype != OLD_SERVICE_VLAN:
            break
        if packet["captured"] < 4:
            return -1
        ethertype = big_16(data, packet["at"] + 2)
        _step(packet, 4)
    if ethertype == ETHERTYPE_PPPOE:
        if packet["captured"] < _PPPOE_BYTES:
            return -1
        protocol = big_16(data, packet["at"] + 6)
        _step(packet, _PPPOE_BYTES)
        if protocol == _PPP_IPV4:
            return ETHERTYPE_IPV4
        return ETHERTYPE_IPV6 if protocol == _PPP_IPV6 else 0
    return ethertype


@compiled(_INT(BYTES, PACKET_TYPE, _INT, _INT), inlined=True)
def _behind(data: NDArray[np.uint8], packet: np.void, ethertype_at: int, header: int) -> int:
    """The EtherType in a link header of `header` bytes; -1 when it is cut off."""
    if packet["captured"] < header:
        return -1
    ethertype = big_16(data, packet["at"] + ethertype_at)
    _step(packet, header)
    return _unwrap(data, packet, ethertype)


@compiled(_INT(BYTES, PACKET_TYPE), inlined=True)
def _ip_version(data: NDArray[np.uint8], packet: np.void) -> int:
    """The IP version behind the link header, 0 for anything else, -1 when it is cut off."""
    link = packet["link_type"]
    if link == ETHERNET:
        ethertype = _behind(data, packet, 12, 14)
    elif link == LINUX_SLL:
        ethertype = _behind(data, packet, 14, 16)
    elif link == LINUX_SLL2:
        ethertype = _behind(data, packet, 0, 20)
    else:
        # The address family of NULL differs by system and byte order; the version in the IP header does not.
        if link in (NULL, LOOP):
            if packet["captured"] < 4:
                return -1
            _step(packet, 4)
        elif link not in _WITHOUT_HEADER:
            return 0
        if packet["captured"] < 1:
            return -1
        version = big_8(data, packet["at"]) >> 4
        return version if version in (4, 6) else 0
    if ethertype < 0:
        return -1
    if ethertype == ETHERTYPE_IPV4:
        return 4
    return 6 if ethertype == ETHERTYPE_IPV6 else 0


@compiled(_INT(BYTES, PACKET_TYPE), inlined=True)
def _enter_ipv4(data: NDArray[np.uint8], packet: np.void) -> int:
    """RFC 791 3.1."""
    at = packet["at"]
    if packet["captured"] < 20:
        return CUT_OFF
    header = 4 * (big_8(data, at) & 0x0F)
    total = big_16(data, at + 2)
    if header < 20 or packet["captured"] < header:
        return CUT_OFF
    if total >= header:  # 0 where the network card was left to divide it
        _limit(packet, total)
    packet["protocol"] = big_8(data, at + 9)
    packet["source_high"] = np.uint64(0)
    packet["target_high"] = np.uint64(0)
    packet["source_low"] = _V4_MAPPED | np.uint64(big_32(data, at + 12))
    packet["target_low"] = _V4_MAPPED | np.uint64(big_32(data, at + 16))
    fragment = big_16(data, at + 6)
    _step(packet, header)
    if fragment & 0x3FFF:  # more fragments, or not the first
        packet["fragment"] = big_16(data, at + 4)
        packet["fragment_at"] = 8 * (fragment & 0x1FFF)
        packet["fragment_last"] = (fragment & 0x2000) == 0
        return FRAGMENT
    return OTHER


@compiled(_INT(BYTES, PACKET_TYPE))
def _enter_ipv6(data: NDArray[np.uint8], packet: np.void) -> int:
    """RFC 8200 3 and 4."""
    at = packet["at"]
    if packet["captured"] < _IPV6_BYTES:
        return CUT_OFF
    length = big_16(data, at + 4)
    if length > 0:
        _limit(packet, _IPV6_BYTES + length)
    following = big_8(data, at + 6)
    packet["source_high"] = big_64(data, at + 8)
    packet["source_low"] = big_64(data, at + 16)
    packet["target_high"] = big_64(data, at + 24)
    packet["target_low"] = big_64(data, at + 32)
    _step(packet, _IPV6_BYTES)
    for _ in range(_MAX_EXTENSIONS):
        if following not in (_HOP_BY_HOP, _ROUTING, _DESTINATION, _AUTHENTICATION, _FRAGMENT):
            break
        at = packet["at"]
        if packet["captured"] < 8:
            return CUT_OFF
        kind = following
        following = big_8(data, at)
        if kind == _FRAGMENT:
            position = big_16(data, at + 2)
            _step(packet, 8)
            if position & 0xFFF9:  # RFC 6946: an only fragment is a whole packet
                packet["protocol"] = following
                packet["fragment"] = big_32(data, at + 4)
                packet["fragment_at"] = position & 0xFFF8
                packet["fragment_last"] = (position & 1) == 0
                return FRAGMENT
        else:
            length = big_8(data, at + 1)
            _step(packet, 4 * (length + 2) if kind == _AUTHENTICATION else 8 * (length + 1))
            if packet["captured"] < 0:
                return CUT_OFF
    packet["protocol"] = following
    return OTHER


@compiled(_INT(BYTES, PACKET_TYPE), inlined=True)
def enter_transport(data: NDArray[np.uint8], packet: np.void) -> int:
    """From an IP payload to what UDP or TCP carries: UDP, TCP, OTHER or CUT_OFF."""
    at = packet["at"]
    if packet["protocol"] == _UDP:
        if packet["captured"] < 8:
            return CUT_OFF
        length = big_16(data, at + 4)
        if length < 8:
            return CUT_OFF
        _limit(packet, length)
        header = 8
        kind = UDP
    elif packet["protocol"] == _TCP:
        if packet["captured"] < 20:
            return CUT_OFF
        header = 4 * (big_8(data, at + 12) >> 4)
        if header < 20 or packet["captured"] < header:
            return CUT_OFF
        packet["tcp_sequence"] = big_32(data, at + 4)
        packet["tcp_opens"] = (data[at + 13] & 0x02) != 0
        kind = TCP
    else:
        return OTHER
    packet["source_port"] = big_16(data, at)
    packet["target_port"] = big_16(data, at + 2)
    _step(packet, header)
    return kind


@compiled(_INT(BYTES, PACKET_TYPE), inlined=True)
def enter_frame(data: NDArray[np.uint8], packet: np.void) -> int:
    """From a frame to what UDP or TCP carries: UDP, TCP, FRAGMENT (of an IP payload), OTHER or CUT_OFF."""
    version = _ip_version(data, packet)
    if version < 0:
        return CUT_OFF
    if version == 0:
        return OTHER
    entered = _enter_ipv4(data, packet) if version == 4 else _enter_ipv6(data, packet)
    return entered if entered != OTHER else enter_transport(data, packet)
