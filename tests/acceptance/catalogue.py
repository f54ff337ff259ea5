"""The scenarios on disk: found, described by their own first comment, and put together from their parts."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
SCENARIOS = HERE / "scenarios"
PARTS = HERE / "parts"

_is_part = re.compile(r"\{\{ *([a-z_0-9]+)(?: +([^{}]+?))? *\}\}")
_first_comment = re.compile(r"<!--\s*(.+?):\s+(.+?)\s*-->", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Scenario:
    """One behaviour. Its parties come into the call in this order: bob2, bob, alice."""

    group: str
    title: str
    clause: str
    behaviour: str
    parties: Mapping[str, Path]
    ours_only: str | None  # why it does not make sense against another proxy
    record: str | None  # who ended the call and with which code, as our record of it must say
    transports: tuple[str, ...]  # of the caller and, where they differ, of the called ones

    @property
    def name(self) -> str:
        return f"{self.group}/{self.title}"

    def user(self, party: str, transport: str) -> str:
        """The user of a party, who exists for this play of this scenario alone."""
        return f"{party.rstrip('0123456789')}.{self.title}.{transport}"


def all_scenarios() -> list[Scenario]:
    """By group, then by name."""
    parties: dict[tuple[str, str], dict[str, Path]] = {}
    for path in sorted(SCENARIOS.glob("*/*.xml")):
        title, _, party = path.stem.partition(".")
        parties.setdefault((path.parent.name, title), {})[party or "alice"] = path
    return [_scenario(group, title, files) for (group, title), files in parties.items()]


def expanded(path: Path) -> str:
    """The scenario as SIPp reads it: every `{{part}}` is there in full.

    In a part, `{{*}}` is what follows its name in the braces, `{{1}}` the first word of that, `{{2}}` the others.
    """
    return _expand(path.read_text("utf-8"))


def _scenario(group: str, title: str, files: dict[str, Path]) -> Scenario:
    described = _first_comment.search(files["alice"].read_text("utf-8"))
    assert described is not None, f"{group}/{title} does not begin with <!-- clause: behaviour -->"
    name = f"{group}/{title}"

    def exception(kind: str) -> Any:
        table = _exceptions()[kind]
        return table.get(name, table.get(group))

    return Scenario(
        group=group,
        title=title,
        clause=described[1],
        behaviour=" ".join(described[2].split()),
        parties={party: files[party] for party in sorted(files, reverse=True)},
        ours_only=exception("ours_only"),
        record=exception("records"),
        transports=("udp", *(exception("transports") or ())),
    )


@cache
def _exceptions() -> dict[str, dict[str, Any]]:
    return tomllib.loads((HERE / "targets.toml").read_text("utf-8"))


def _expand(text: str) -> str:
    return _is_part.sub(lambda found: _expand(_part(found[1], found[2] or "")), text)


def _part(name: str, argument: str) -> str:
    [path] = PARTS.glob(f"{name}.*")
    first, _, rest = argument.partition(" ")
    text = path.read_text("utf-8").strip()
    return text.replace("{{*}}", argument).replace("{{1}}", first).replace("{{2}}", rest)
