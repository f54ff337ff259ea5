"""The table of scenarios in README.md, written anew: python -m tests.acceptance.document"""

from itertools import groupby

from tests.acceptance.catalogue import HERE, Scenario, all_scenarios

README = HERE / "README.md"
TITLE = "## The scenarios\n"


def table() -> str:
    """One line for each scenario, by group, from what the scenarios and targets.toml say."""
    lines = []
    for group, scenarios in groupby(all_scenarios(), key=lambda scenario: scenario.group):
        lines += [
            f"\n### {group}\n",
            "| scenario | what must happen | by | also against Kamailio |",
            "|---|---|---|---|",
        ]
        lines += map(_line, scenarios)
    return "\n".join([*lines, ""])


def _line(scenario: Scenario) -> str:
    name = f"`{scenario.title}`" + "".join(f" {transport}" for transport in scenario.transports[1:])
    behaviour = scenario.behaviour[0].upper() + scenario.behaviour[1:]
    return f"| {name} | {behaviour} | {scenario.clause} | {scenario.ours_only or 'yes'} |"


if __name__ == "__main__":
    introduction, _, _ = README.read_text("utf-8").partition(TITLE)
    README.write_text(introduction + TITLE + table(), "utf-8")
