"""The settings that the supervisor reads mean what they mean to the services."""

import pytest

from api.settings import ApiSettings
from rtp_analyzer.settings import RtpAnalyzerSettings
from sip_proxy.settings import SipProxySettings
from vqm_local.settings import LocalSettings, port_range, read_dotenv

SERVICES = (SipProxySettings, RtpAnalyzerSettings, ApiSettings)


@pytest.mark.parametrize(("text", "ports"), [("20000-29999", range(20000, 30000)), ("1024-1027", range(1024, 1028))])
def test_a_range_includes_both_its_ends(text, ports):
    assert port_range(text) == ports


@pytest.mark.parametrize("text", ["", "20000", "20000-", "20000-20002", "80-90", "65000-65536", "30000-20000", "a-b"])
def test_what_is_no_range_for_media_is_refused(text):
    with pytest.raises(ValueError, match="a range"):
        port_range(text)


def test_a_broker_that_is_named_is_not_ours():
    assert LocalSettings().own_broker
    assert not LocalSettings(redis_url="redis://127.0.0.1:6379/0").own_broker


def test_an_empty_broker_url_is_none(monkeypatch):
    monkeypatch.setenv("VQM_REDIS_URL", "")

    assert LocalSettings().own_broker


def test_the_environment_wins_over_the_dotenv_file(tmp_path):
    (tmp_path / ".env").write_text("VQM_SIP_PORT=5070\nVQM_HTTP_PORT=8090  # here\nPATH=/nowhere\n")

    assert read_dotenv(tmp_path / ".env", {"VQM_SIP_PORT": "5080"}) == {"VQM_HTTP_PORT": "8090"}


def test_without_a_dotenv_file_nothing_is_adopted(tmp_path):
    assert read_dotenv(tmp_path / ".env", {}) == {}


@pytest.mark.parametrize("name", sorted(LocalSettings.model_fields))
def test_each_setting_has_the_default_of_the_services_that_read_it(name):
    defaults = [service.model_fields[name].default for service in SERVICES if name in service.model_fields]

    assert defaults, "no service reads it"
    assert all(str(default) == str(LocalSettings.model_fields[name].default) for default in defaults)
