"""Ports for the servers and phones of the tests."""

import random
import socket

HOST = "127.0.0.1"
# Below the ports that the kernel gives to others, and never the same twice: a port is bound a while after it was found.
_candidates = iter(random.sample(range(10_000, 30_000, 2), 10_000))


def free_port(following: int = 0) -> int:
    """An even port that is free on UDP and TCP of loopback, as are as many more after it."""
    for first in _candidates:
        if all(_is_free(port) for port in range(first, first + following + 1)):
            return first
    raise AssertionError("no free port")


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, socket.socket() as tcp:
        try:
            udp.bind((HOST, port))
            tcp.bind((HOST, port))
        except OSError:
            return False
    return True
