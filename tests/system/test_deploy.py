"""What deploy/ names is what a running server exports."""

import json
import os
import re
import subprocess

import pytest
import yaml
from kafka_load import PARTITIONS
from server import BIN, ROOT, Server, as_flags, parse_flags

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


def packages_of_libraries(program: str) -> set[str]:
    linked = subprocess.run(["ldd", BIN / program], capture_output=True, text=True, check=True).stdout
    files = [os.path.realpath(path) for path in re.findall(r"=> (/\S+)", linked)]
    # Debian's libraries are below /usr, wherever the linker found them.
    named = subprocess.run(
        ["dpkg", "-S", *(re.sub("^/lib", "/usr/lib", path) for path in files), *files], capture_output=True, text=True
    )
    return {line.split(":")[0] for line in named.stdout.splitlines()}


def test_the_image_has_the_libraries_that_its_programs_want():
    image = (DEPLOY / "Dockerfile").read_text().split("AS runtime")[1].split("FROM ")[0].split()
    wanted = packages_of_libraries("rapport") | packages_of_libraries("rapportctl")
    assert len(wanted) > 10
    # What every Debian image has.
    assert wanted - {"libc6"} <= set(image), wanted - set(image)


def composed_flags(service: dict) -> dict[str, str]:
    """What a container of deploy/compose.yaml is started with."""
    given = {
        f"--{name.removeprefix('RAPPORT_').lower().replace('_', '-')}": value
        for name, value in service["environment"].items()
    }
    given |= parse_flags(service["command"][1:])
    assert {"--http", "--grpc", "--metrics"} <= given.keys()
    return given


def test_the_composed_programs_are_one_crm(broker, topic_prefix, tmp_path):
    composed = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    assert composed.pop("kafka")["image"].endswith((ROOT / "tools/kafka/kafka.version").read_text().strip())
    (tmp_path / "secret").write_bytes(os.urandom(32))
    here = {"--kafka": broker.bootstrap, "--secret-file": str(tmp_path / "secret")}
    started: dict[str, Server] = {}
    try:
        for name, service in composed.items():
            assert service["command"][0] == name
            (tmp_path / name).mkdir()
            flags = as_flags(composed_flags(service), here) + [f"--kafka-topic-prefix={topic_prefix}", f"--partitions={PARTITIONS}"]
            started[name] = Server(tmp_path / name, *flags, program=name).start()
        gateway = started["gateway"]
        gateway.create("/v1/customers?customerId=composed", {"displayName": "Ada", "kind": "PERSON"})
        view = gateway.get("/v1/customers/composed/view")
        assert view["customer"]["displayName"] == "Ada" and "missingParts" not in view
    finally:
        for server in started.values():
            server.kill()
