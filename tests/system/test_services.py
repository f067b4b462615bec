"""`rapport serve --services`: a deployment that has only some of them, seen from outside."""

import subprocess

import pytest
from server import BIN, Server


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("rapport"), "--services=accounts,service").start()
    yield server
    assert server.stop() == 0


def test_what_is_not_installed_is_named(server):
    name = server.create("/v1/customers", {"displayName": "Ada", "kind": "PERSON"})["name"]
    view = server.get(f"/v1/{name}/view")
    assert view["notInstalled"] == ["orders", "campaigns", "profile", "opportunities"]
    assert not view.get("missingParts")
    answer = server.http("GET", "/v1/products")
    assert answer.code == 501
    assert answer.json["error"]["message"].startswith("sales is not installed here")


def test_openapi_has_only_what_is_installed(server):
    paths = server.get("/openapi.json")["paths"]
    assert "/v1/customers/{customer}/cases" in paths and "/v1/customers/{customer}/view" in paths
    assert not any("orders" in path or "products" in path for path in paths)


def test_verify_passes_over_what_never_was(server):
    assert server.stop() == 0
    command = [BIN / "rapportctl", "verify", "--data", server.folder / "data"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "sales" not in done.stdout
    server.start()


def test_an_unknown_service_is_refused(tmp_path):
    command = [BIN / "rapport", "serve", "--data", tmp_path / "data", "--services", "accounts,billing"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode != 0
    assert 'there is no service "billing"; there are accounts, sales, service, marketing' in done.stderr
