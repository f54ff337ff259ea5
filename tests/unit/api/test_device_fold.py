"""A device is shown as its latest event left it, in whatever order the events came."""

from functools import reduce

from hypothesis import given
from hypothesis import strategies as st

from api.devices import Device, fold_device
from shared.events import (
    DeviceRegistered,
    DeviceUnregistered,
    RegistrationExpired,
    RegistrationMoved,
    RegistrationRefreshed,
)
from shared.testing import AT

BINDING = {
    "aor": "alice@example.com",
    "contact": "sip:alice@192.0.2.1:5060",
    "source": "192.0.2.1:5060",
    "transport": "udp",
}


def registered(at: float) -> DeviceRegistered:
    return DeviceRegistered.model_validate({**BINDING, "at": at, "expires_at": at + 60})


def refreshed(at: float) -> RegistrationRefreshed:
    return RegistrationRefreshed.model_validate({**BINDING, "at": at, "expires_at": at + 60, "user_agent": "Phone A"})


def moved(at: float) -> RegistrationMoved:
    fields = {**BINDING, "source": "198.51.100.9:5060", "previous_source": BINDING["source"]}
    return RegistrationMoved.model_validate({**fields, "at": at, "expires_at": at + 60})


def unregistered(at: float) -> DeviceUnregistered:
    return DeviceUnregistered.model_validate({**BINDING, "at": at})


def expired(at: float) -> RegistrationExpired:
    return RegistrationExpired.model_validate({**BINDING, "at": at})


def folded(events) -> Device:
    device = reduce(fold_device, events, None)
    assert device is not None
    return device


LIFE = (
    registered(AT),
    refreshed(AT + 50),
    unregistered(AT + 60),
    registered(AT + 70),
    expired(AT + 131),
    registered(AT + 200),
    moved(AT + 250),
)


@given(st.permutations(LIFE), st.lists(st.sampled_from(LIFE), max_size=5))
def test_order_and_repetition_change_nothing(events, repeated):
    assert folded([*events, *repeated]) == folded(LIFE)


def test_a_registered_device_has_its_times():
    device = folded([refreshed(AT + 50), registered(AT)])

    assert (device.registered_at, device.refreshed_at, device.expires_at) == (AT, AT + 50, AT + 110)
    assert device.user_agent == "Phone A"
    assert device.state(AT + 60) == "registered"


def test_a_moved_device_is_where_it_came_from_last():
    assert folded([moved(AT + 9), registered(AT)]).source == "198.51.100.9:5060"


def test_a_device_that_went_is_gone_until_it_comes_back():
    assert folded([registered(AT), unregistered(AT + 1)]).state(AT + 2) == "unregistered"
    assert folded([registered(AT), expired(AT + 60)]).state(AT + 61) == "expired"
    assert folded([unregistered(AT + 1), registered(AT + 2)]).state(AT + 3) == "registered"


def test_a_binding_whose_time_is_up_has_expired_though_nobody_says_so():
    assert folded([registered(AT)]).state(AT + 61) == "expired"
