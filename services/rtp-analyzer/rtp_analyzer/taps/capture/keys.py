"""A hash table of streams, and of the ends that SDP named; compiled. Entries are replaced, never removed."""

from typing import Final

import numba
import numpy as np
from numpy.typing import NDArray

from rtp_analyzer.compiled import compiled
from rtp_analyzer.taps.capture.layout import FLOW_TYPE, KEY, KEY_TYPE

_INT: Final = numba.int64
_WORD: Final = numba.uint64

# In the place of a source address, for keys without one. The addresses are multicast, which nothing can come from.
ENDPOINT: Final = 0xFFFF_0000_0000_0001  # the target is an end that SDP named
ANY_SOURCE: Final = 0xFFFF_0000_0000_0002  # the latest stream of this SSRC towards the target

_BLANK: Final = np.zeros(1, KEY)
_BLANK["value"] = -1
# Odd constants of splitmix64 (Steele, Lea, Flood 2014).
_MIX_1: Final = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2: Final = np.uint64(0x94D049BB133111EB)


def new_keys(capacity: int) -> NDArray[np.void]:
    """An empty table; `capacity` is a power of two, at least twice of what it will hold."""
    return np.repeat(_BLANK, capacity)


@compiled(_WORD(_WORD, _WORD), inlined=True)
def mix(state: int, word: int) -> int:
    """Fold a word into a digest."""
    mixed = (np.uint64(state) ^ np.uint64(word)) * _MIX_1
    mixed = (mixed ^ (mixed >> np.uint64(29))) * _MIX_2
    return mixed ^ (mixed >> np.uint64(32))  # type: ignore[return-value]  # a numba integer


@compiled(_WORD(_WORD, _WORD, _WORD), inlined=True)
def rest_of(source_port: int, target_port: int, ssrc: int) -> int:
    """What a key has beside the addresses."""
    return np.uint64(source_port) << np.uint64(48) | np.uint64(target_port) << np.uint64(32) | np.uint64(ssrc)  # type: ignore[return-value]  # a numba integer


@compiled(_INT(KEY_TYPE[::1], _WORD, _WORD, _WORD, _WORD, _WORD, _WORD), inlined=True)
def slot_of(
    keys: NDArray[np.void],
    seed: int,
    source_high: int,
    source_low: int,
    target_high: int,
    target_low: int,
    rest: int,
) -> int:
    """The slot of this key, or the free one where it would go. `seed` keeps a capture from choosing collisions."""
    digest = mix(mix(mix(seed, source_low), target_low), rest)
    if source_high != 0 or target_high != 0:
        digest = mix(mix(digest, source_high), target_high)
    mask = np.uint64(len(keys) - 1)
    slot = np.uint64(digest) & mask
    while True:
        key = keys[slot]
        if key["value"] < 0 or (
            key["source_low"] == source_low
            and key["target_low"] == target_low
            and key["rest"] == rest
            and key["source_high"] == source_high
            and key["target_high"] == target_high
        ):
            return slot  # type: ignore[return-value]  # a numba integer
        slot = (slot + np.uint64(1)) & mask


@compiled(numba.void(KEY_TYPE[::1], _WORD, _WORD, _WORD, _WORD, _WORD, _WORD, _INT))
def put(
    keys: NDArray[np.void],
    seed: int,
    source_high: int,
    source_low: int,
    target_high: int,
    target_low: int,
    rest: int,
    value: int,
) -> None:
    """Enter a key, or give it another value (>= 0)."""
    key = keys[slot_of(keys, seed, source_high, source_low, target_high, target_low, rest)]
    key["source_high"] = source_high
    key["source_low"] = source_low
    key["target_high"] = target_high
    key["target_low"] = target_low
    key["rest"] = rest
    key["value"] = value


@compiled(numba.void(KEY_TYPE[::1], _WORD, FLOW_TYPE, _INT))
def put_flow(keys: NDArray[np.void], seed: int, flow: np.void, index: int) -> None:
    """Enter a stream by its full key, and as the latest of its SSRC towards its target."""
    high, low = flow["target_high"], flow["target_low"]
    rest = rest_of(flow["source_port"], flow["target_port"], flow["ssrc"])
    put(keys, seed, flow["source_high"], flow["source_low"], high, low, rest, index)
    rest = rest_of(0, flow["target_port"], flow["ssrc"])
    put(keys, seed, ANY_SOURCE, 0, high, low, rest, index)


@compiled(_INT(KEY_TYPE[::1], _WORD, _WORD, _WORD, _WORD))
def find_endpoint(keys: NDArray[np.void], seed: int, high: int, low: int, port: int) -> int:
    """The row of what SDP said of this address and port, or -1."""
    rest = rest_of(0, port, 0)
    return keys[slot_of(keys, seed, ENDPOINT, 0, high, low, rest)]["value"]  # type: ignore[no-any-return]  # numpy fields are Any


@compiled(numba.void(KEY_TYPE[::1], _WORD, _WORD, _WORD, _WORD, _INT))
def put_endpoint(keys: NDArray[np.void], seed: int, high: int, low: int, port: int, row: int) -> None:
    """Enter what SDP said of an address and port."""
    rest = rest_of(0, port, 0)
    put(keys, seed, ENDPOINT, 0, high, low, rest, row)


@compiled(numba.void(KEY_TYPE[::1], _WORD, FLOW_TYPE[::1], _INT))
def put_flows(keys: NDArray[np.void], seed: int, flows: NDArray[np.void], count: int) -> None:
    """Enter the first `count` streams, in the order in which they were last heard: the latest wins."""
    order = np.argsort(flows["last_ns"][:count])
    for index in order:
        if flows[index]["retired"] == 0:
            put_flow(keys, seed, flows[index], index)
