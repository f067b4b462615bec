"""What deploy/ names is what a running server exports."""

import json
import re

import pytest
from server import ROOT, Server

METRIC = re.compile(r"\brapport_[a-z_]+\b")
DEPLOY = ROOT / "deploy"


@pytest.fixture(scope="module")
def exported(server: Server) -> set[str]:
    """Names of samples: a histogram's are its _bucket, _sum and _count."""
    server.create("/v1/customers", {"displayName": "Ada", "kind": "PERSON"})
    text = server.http("GET", "/metrics", port="metrics").text
    return {line.split("{")[0].split(" ")[0] for line in text.splitlines() if not line.startswith("#")}


def panels() -> list[dict]:
    """Those that show something; a row is a heading."""
    everything = json.loads((DEPLOY / "grafana.json").read_text())["panels"]
    return [panel for panel in everything if panel["type"] != "row"]


def expressions() -> list[str]:
    dashboard = json.loads((DEPLOY / "grafana.json").read_text())
    found = [target["expr"] for panel in panels() for target in panel["targets"]]
    found += [variable["query"] for variable in dashboard["templating"]["list"]]
    return found + (DEPLOY / "alerts.yml").read_text().splitlines()


def test_every_metric_that_is_named_is_exported(exported):
    named = {name for text in expressions() for name in METRIC.findall(text)}
    assert len(named) > 10
    assert named <= exported, named - exported


def test_every_metric_of_ours_is_on_the_dashboard(exported):
    dashboard = (DEPLOY / "grafana.json").read_text()
    families = {re.sub("_(bucket|sum|count)$", "", name) for name in exported if name.startswith("rapport_")}
    assert {name for name in families if name not in dashboard} == set()


def test_every_alert_is_set_off_by_a_test():
    alerts = set(re.findall(r"alert: (\w+)", (DEPLOY / "alerts.yml").read_text()))
    tests = (DEPLOY / "alerts_test.yml").read_text()
    assert alerts and {alert for alert in alerts if f"alertname: {alert}\n" not in tests} == set()


def test_the_panels_are_each_their_own():
    everything = json.loads((DEPLOY / "grafana.json").read_text())["panels"]
    assert len({one["id"] for one in everything}) == len(everything) == len({one["title"] for one in everything})
    assert all(panel["description"] and panel["targets"] for panel in panels())
