"""Settings come from the environment; a wrong one stops the start and says which."""

import pytest

from shared.settings import CommonSettings, load


def test_a_wrong_setting_stops_the_start_with_its_name(monkeypatch, capsys):
    monkeypatch.setenv("VQM_LOG_LEVEL", "loud")

    with pytest.raises(SystemExit) as stop:
        load(CommonSettings)

    assert stop.value.code == 2
    assert capsys.readouterr().err.startswith("VQM_LOG_LEVEL='loud' cannot be used: Input should be 'debug'")


def test_an_empty_setting_is_the_default(monkeypatch):
    monkeypatch.setenv("VQM_PUBLIC_ADDRESS", "")

    assert CommonSettings().public_address is None


@pytest.mark.parametrize(
    ("bind", "public", "advertised"),
    [("0.0.0.0", "192.0.2.7", "192.0.2.7"), ("127.0.0.1", None, "127.0.0.1"), ("127.0.0.1", "192.0.2.7", "192.0.2.7")],
)
def test_the_public_address_wins_over_the_one_we_listen_on(bind, public, advertised):
    assert CommonSettings(bind=bind, public_address=public).advertised_address() == advertised


def test_an_address_that_is_none_is_refused():
    with pytest.raises(ValueError, match="does not appear to be an IPv4 or IPv6 address"):
        CommonSettings(bind="everywhere")
