"""What the files around the code say is what the code does: .env.example, docker-compose.yml, nginx.conf."""

import itertools
import re

import pytest

from api.door import SECURITY_HEADERS
from api.settings import ApiSettings
from rtp_analyzer.settings import RtpAnalyzerSettings
from sip_proxy.settings import SipProxySettings
from vqm_local.settings import REPOSITORY, LocalSettings

CLASSES = (SipProxySettings, RtpAnalyzerSettings, ApiSettings, LocalSettings)
NOT_OF_THE_CODE = {"VQM_PYTHON", "VQM_REDIS_IMAGE"}
EXAMPLE = re.compile(r"^#(VQM_[A-Z_]+)=(.*)$")
# Their default depends on who reads it, or on how the system is run.
WITHOUT_ONE_DEFAULT = {"VQM_INSTANCE", "VQM_REDIS_URL"}

# What compose decides itself: where things are in its containers, and that there is one of each.
FIXED_IN_CONTAINERS = {"VQM_DATA_DIR", "VQM_WEB_DIR", "VQM_TRUSTED_PROXIES", "VQM_INSTANCE", "VQM_WORKER_ID"}
BEHIND_NGINX = {"VQM_BIND", "VQM_PUBLIC_ADDRESS"}  # the api, which no phone and no browser reaches directly


def defaults() -> dict[str, str]:
    return {
        f"VQM_{name.upper()}": "" if field.default is None else str(field.default)
        for settings in CLASSES
        for name, field in settings.model_fields.items()
    }


def example() -> dict[str, str]:
    lines = (REPOSITORY / ".env.example").read_text().splitlines()
    return {found[1]: found[2] for found in map(EXAMPLE.match, lines) if found}


def test_every_setting_is_in_the_example_and_nothing_else():
    assert set(example()) == set(defaults()) | NOT_OF_THE_CODE


@pytest.mark.parametrize("name", sorted(set(defaults()) - WITHOUT_ONE_DEFAULT))
def test_the_example_shows_the_default(name):
    assert example()[name] == defaults()[name]


def test_each_setting_of_the_example_is_explained_above_it():
    lines = (REPOSITORY / ".env.example").read_text().splitlines()
    unexplained = [line for above, line in itertools.pairwise(lines) if EXAMPLE.match(line) and not above]

    assert unexplained == []


@pytest.mark.parametrize("settings", [SipProxySettings, RtpAnalyzerSettings, ApiSettings], ids=lambda c: c.__name__)
def test_compose_passes_every_setting_on(settings):
    compose = (REPOSITORY / "docker-compose.yml").read_text()
    names = {f"VQM_{name.upper()}" for name in settings.model_fields} - FIXED_IN_CONTAINERS
    if settings is ApiSettings:
        names -= BEHIND_NGINX

    passed = set(re.findall(r"\$\{(VQM_[A-Z_]+):-", compose))

    assert names - passed == set()


def test_nginx_gives_the_security_headers_of_the_api():
    configuration = (REPOSITORY / "services" / "web" / "nginx.conf").read_text()

    given = dict(re.findall(r'add_header (\S+) "([^"]+)" always;', configuration))

    assert given == SECURITY_HEADERS


def test_make_help_lists_every_command():
    makefile = (REPOSITORY / "Makefile").read_text()
    commands = set(re.search(r"^\.PHONY: (.+)$", makefile, re.MULTILINE)[1].split())  # type: ignore[index]  # it is there

    assert set(re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE)) == commands
