"""The scenarios as files: whole, described, and told of in README.md."""

import tomllib
from xml.etree import ElementTree

import pytest

from tests.acceptance.catalogue import HERE, PARTS, all_scenarios, expanded
from tests.acceptance.document import README, TITLE, table

FILES = [(scenario.name, party, path) for scenario in all_scenarios() for party, path in scenario.parties.items()]


@pytest.mark.parametrize(("name", "party", "path"), FILES, ids=[f"{name}.{party}" for name, party, _ in FILES])
def test_a_scenario_is_whole(name, party, path):
    text = expanded(path)

    ElementTree.fromstring(text)  # noqa: S314  # our own files
    assert "{{" not in text
    assert party == "alice" or "ready" in text, "whoever is called says when it can be"


def test_the_readme_tells_of_every_scenario():
    _, _, told = README.read_text("utf-8").partition(TITLE)

    assert told == table(), "python -m tests.acceptance.document"


def test_exceptions_are_for_scenarios_that_exist():
    names = {scenario.name for scenario in all_scenarios()} | {scenario.group for scenario in all_scenarios()}
    exceptions = tomllib.loads((HERE / "targets.toml").read_text("utf-8"))

    assert {name for table in exceptions.values() for name in table} - names == set()


def test_every_part_is_used():
    texts = [path.read_text("utf-8") for path in (*HERE.glob("scenarios/*/*.xml"), *PARTS.iterdir())]

    unused = [part.stem for part in PARTS.iterdir() if not any(f"{{{{{part.stem}" in text for text in texts)]

    assert unused == []
