"""Socket addresses as words: the kernel's layout, and what cannot be sent to."""

import socket

import numpy as np
import pytest

from rtp_analyzer.taps.addresses import NOWHERE, family_of, host, text, words


def test_words_are_the_kernels_sockaddr():
    address = words("192.0.2.1", 4000, socket.AF_INET)

    assert address.tobytes()[2:8] == bytes([4000 >> 8, 4000 & 0xFF, 192, 0, 2, 1])
    assert int.from_bytes(address.tobytes()[:2], "little") == socket.AF_INET
    assert not any(address.tobytes()[8:])


@pytest.mark.parametrize(
    ("address", "family", "shown"),
    [
        ("192.0.2.1", socket.AF_INET, "192.0.2.1:4000"),
        ("2001:db8::1", socket.AF_INET6, "[2001:db8::1]:4000"),
    ],
)
def test_an_address_reads_back_as_text(address, family, shown):
    assert text(words(address, 4000, family)) == shown


def test_nowhere_has_no_text():
    assert text(NOWHERE) is None


@pytest.mark.parametrize("address", [None, "", "phone.example.com", "0.0.0.0", "224.0.0.1", "2001:db8::1", "1.2.3"])
def test_what_cannot_be_sent_to_is_nowhere(address):
    assert np.array_equal(words(address, 4000, socket.AF_INET), NOWHERE)


@pytest.mark.parametrize(("address", "family"), [("192.0.2.1", socket.AF_INET), ("2001:db8::1", socket.AF_INET6)])
def test_one_host_has_many_ports(address, family):
    one, other = words(address, 4000, family), words(address, 65535, family)

    assert not np.array_equal(one, other)
    assert np.array_equal(host(one), host(other))


def test_neighbours_are_not_the_same_host():
    one, other = (host(words(address, 4000, socket.AF_INET)) for address in ("192.0.2.1", "192.0.2.2"))

    assert not np.array_equal(one, other)


def test_the_family_follows_the_address_that_is_bound():
    assert (family_of("0.0.0.0"), family_of("::")) == (socket.AF_INET, socket.AF_INET6)
