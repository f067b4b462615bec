"""Clients that know nothing of Rapport but its protos, its reflection or its paths: each creates a
customer with an interaction and reads it and its view."""

import importlib
import json
import os
import re
import subprocess
import sys

import grpc
import pytest
from server import DEPS, ROOT, Server

SERVICES = {
    "rapport.accounts.v1.Accounts",
    "rapport.sales.v1.Sales",
    "rapport.service.v1.Service",
    "rapport.marketing.v1.Marketing",
    "rapport.gateway.v1.Gateway",
}


def run(*command, **options) -> str:
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, timeout=60, **options
    )
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


def camel_case(name: str) -> str:
    return re.sub("_([a-z])", lambda letter: letter[1].upper(), name)


def check_view(view: dict, name: str, display_name: str) -> None:
    """The view in protobuf's JSON, which all clients speak."""
    assert view["customer"]["name"] == name
    assert view["customer"]["displayName"] == display_name
    assert [touch["summary"] for touch in view["interactions"]] == ["入伙 asked"]
    assert not view.get("missingParts")


class TestCurl:
    def curl(self, server: Server, method: str, path: str, body=None) -> dict:
        data = ["-H", "Content-Type: application/json", "-d", json.dumps(body)] if body else []
        return json.loads(run("curl", "-sS", "--fail-with-body", "-X", method, *data, server.url + path))

    def test_creates_and_reads(self, server):
        customer = {"displayName": "李伟", "kind": "PERSON", "roles": ["DIRECT"]}
        created = self.curl(server, "POST", "/v1/customers?customerId=by-curl", customer)
        assert created["name"] == "customers/by-curl"
        touch = {"channel": "PHONE", "direction": "INBOUND", "summary": "入伙 asked"}
        self.curl(server, "POST", "/v1/customers/by-curl/interactions", touch)
        assert self.curl(server, "GET", "/v1/customers/by-curl")["displayName"] == "李伟"
        check_view(self.curl(server, "GET", "/v1/customers/by-curl/view"), "customers/by-curl", "李伟")


class TestGrpcurl:
    def call(self, server: Server, *arguments) -> str:
        return run(DEPS / "bin" / "grpcurl", "-plaintext", *arguments)

    def ask(self, server: Server, method: str, request: dict) -> dict:
        answer = self.call(server, "-d", json.dumps(request), server.address("grpc"), method)
        # gRPC's C++ reflection leaves json_name out of its descriptors, and grpcurl then shows a
        # field under the name that it has in the proto.
        return json.loads(re.sub(r'"\w+":', lambda key: camel_case(key[0]), answer))

    def test_reflection_lists_the_services(self, server):
        assert SERVICES <= set(self.call(server, server.address("grpc"), "list").split())

    def test_creates_and_reads(self, server):
        customer = {"displayName": "Grace Kim", "kind": "PERSON"}
        created = self.ask(
            server, "rapport.accounts.v1.Accounts/CreateCustomer", {"customerId": "by-grpcurl", "customer": customer}
        )
        name = created["name"]
        assert name == "customers/by-grpcurl"
        touch = {"channel": "CHAT", "direction": "INBOUND", "summary": "入伙 asked"}
        self.ask(server, "rapport.service.v1.Service/CreateInteraction", {"parent": name, "interaction": touch})
        assert self.ask(server, "rapport.accounts.v1.Accounts/GetCustomer", {"name": name})["kind"] == "PERSON"
        view = self.ask(server, "rapport.gateway.v1.Gateway/GetCustomerView", {"name": name})
        check_view(view, name, "Grace Kim")


@pytest.fixture(scope="module")
def stubs(tmp_path_factory):
    """The Python classes of all protos, made as any user of grpcio makes them."""
    out = tmp_path_factory.mktemp("stubs")
    protos = sorted(str(path.relative_to(ROOT / "proto")) for path in (ROOT / "proto").rglob("*.proto"))
    run(
        sys.executable, "-m", "grpc_tools.protoc", f"-I{ROOT / 'proto'}", f"-I{DEPS / 'googleapis'}",
        f"--python_out={out}", f"--grpc_python_out={out}", *protos,
    )  # fmt: skip
    sys.path.insert(0, str(out))
    yield importlib.import_module
    sys.path.remove(str(out))


class TestPython:
    def test_creates_and_reads(self, server, stubs):
        from google.protobuf import json_format

        accounts, accounts_rpc = stubs("rapport.accounts.v1.customer_pb2"), stubs("rapport.accounts.v1.accounts_service_pb2_grpc")
        service, service_rpc = stubs("rapport.service.v1.interaction_pb2"), stubs("rapport.service.v1.service_service_pb2_grpc")
        view_messages, gateway_rpc = stubs("rapport.gateway.v1.view_pb2"), stubs("rapport.gateway.v1.gateway_service_pb2_grpc")
        with grpc.insecure_channel(server.address("grpc")) as channel:
            customers = accounts_rpc.AccountsStub(channel)
            customer = accounts.Customer(display_name="Peter Novak", kind=accounts.Customer.PERSON)
            request = accounts.CreateCustomerRequest(customer_id="by-python", customer=customer)
            created = customers.CreateCustomer(request, timeout=30)
            touch = service.Interaction(
                channel=service.Interaction.EMAIL, direction=service.Interaction.INBOUND, summary="入伙 asked"
            )
            service_rpc.ServiceStub(channel).CreateInteraction(
                service.CreateInteractionRequest(parent=created.name, interaction=touch), timeout=30
            )
            read = customers.GetCustomer(accounts.GetCustomerRequest(name=created.name), timeout=30)
            assert read == created
            view = gateway_rpc.GatewayStub(channel).GetCustomerView(
                view_messages.GetCustomerViewRequest(name=created.name), timeout=30
            )
            check_view(json_format.MessageToDict(view), "customers/by-python", "Peter Novak")
            with pytest.raises(grpc.RpcError) as refused:
                customers.GetCustomer(accounts.GetCustomerRequest(name="customers/nobody"), timeout=30)
            assert refused.value.code() == grpc.StatusCode.NOT_FOUND


class TestNode:
    def test_creates_and_reads(self, server):
        out = run(
            "node", ROOT / "tests/system/node_client.js", ROOT / "proto", DEPS / "googleapis",
            server.address("grpc"), "by-node", env=os.environ | {"NODE_PATH": str(DEPS / "node/node_modules")},
        )  # fmt: skip
        answer = json.loads(out)
        assert answer["customer"]["name"] == "customers/by-node"
        assert answer["customer"]["kind"] == "PERSON"
        check_view(answer["view"], "customers/by-node", "Aisha Khan")
        assert answer["unknown"] == "NOT_FOUND"
