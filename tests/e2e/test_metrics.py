"""`/metrics` of the running system, and that what we give Prometheus and Grafana to read is really there."""

import json
import re
import subprocess

import httpx
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.requirements import require_program
from vqm_local.settings import REPOSITORY

pytestmark = pytest.mark.e2e

RULES = REPOSITORY / "deploy" / "prometheus" / "rules.yml"
DASHBOARD = REPOSITORY / "deploy" / "grafana" / "dashboard.json"


def expressions():
    for group in yaml.safe_load(RULES.read_text())["groups"]:
        yield from (rule["expr"] for rule in group["rules"])
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        yield from (target["expr"] for target in panel["targets"])


async def test_everything_that_rules_and_dashboard_ask_for_is_exposed(system):
    async with httpx.AsyncClient() as prometheus:
        answer = await prometheus.get(f"{system.url}/metrics")

    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    families = list(text_string_to_metric_families(answer.text))
    exposed = {family.name for family in families} | {f"{family.name}_total" for family in families}
    exposed |= {f"{family.name}_{part}" for family in families for part in ("bucket", "count", "sum")}
    asked = {name for expression in expressions() for name in re.findall(r"\bvqm_\w+", expression)}
    assert len(asked) > 10
    assert asked <= exposed


def test_prometheus_takes_its_configuration_and_the_rules():
    promtool, folder = require_program("promtool", "prometheus"), REPOSITORY / "deploy" / "prometheus"

    checked = subprocess.run(
        [promtool, "check", "config", "prometheus.yml"], cwd=folder, capture_output=True, text=True, check=False
    )

    assert checked.returncode == 0, checked.stdout + checked.stderr
