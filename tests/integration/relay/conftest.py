"""A running relay on loopback, and the people who call each other through it."""

from collections.abc import Callable, Iterator

import pytest

from rtp_analyzer.taps.relay import Relay
from shared.events import MediaAssigned
from tests.integration.relay.calls import call
from tests.integration.rtp_phone import RtpPhone, free_ports
from tests.ports import HOST


@pytest.fixture
def ports() -> range:
    return free_ports(4)


@pytest.fixture
def relay(ports: range) -> Iterator[Relay]:
    running = Relay(HOST, ports, max_descriptors=1024)
    running.start()
    yield running
    running.stop()


@pytest.fixture
def phone() -> Iterator[Callable[[int], RtpPhone]]:
    phones: list[RtpPhone] = []

    def make(port: int) -> RtpPhone:
        phones.append(RtpPhone(port))
        return phones[-1]

    yield make
    for made in phones:
        made.close()


@pytest.fixture
def alice(ports, phone) -> RtpPhone:
    return phone(ports[0])


@pytest.fixture
def bob(ports, phone) -> RtpPhone:
    return phone(ports[1])


@pytest.fixture
def stranger(ports, phone) -> RtpPhone:
    return phone(ports[0])


@pytest.fixture
def alice_calls_bob(relay, alice, bob) -> MediaAssigned:
    media = call(alice.leg("caller"), bob.leg("callee"))
    relay.open(media)
    return media
