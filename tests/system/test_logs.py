"""What operators read on stderr, and how a call is found again by its trace."""

import json
import re

import pytest
from server import Server

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{TRACE}-00f067aa0ba902b7-01"
FIELD = re.compile(r'(\w+)=("(?:[^"\\]|\\.)*"|\S*)')


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("rapport"), "--log-calls").start()
    yield server
    assert server.stop() == 0


def lines(server: Server, event: str) -> list[dict]:
    found = [dict(FIELD.findall(line)) for line in server.log.read_text().splitlines() if line.startswith("time=")]
    return [line for line in found if line["event"] == event]


def test_a_start_is_logged(server):
    [line] = lines(server, "serving")
    assert line["level"] == "info" and line["services"] == "accounts,sales,service,marketing"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["time"])


def test_a_call_is_logged_by_its_names_alone(server):
    customer = {"displayName": "Ada Lovelace", "kind": "PERSON", "description": "ada@example.com"}
    headers = {"Idempotency-Key": "request-1", "traceparent": TRACEPARENT, "X-Rapport-Actor": "users/grace"}
    assert server.http("POST", "/v1/customers?customerId=ada", customer, headers).code == 200
    assert server.http("PATCH", "/v1/customers/ada", {"description": "a secret"}, headers | {"Idempotency-Key": "2"}).code == 200
    # What a refusal quotes is the caller's too, and so is a name that is none.
    assert server.http("POST", "/v1/customers?customerId=Ada%20Lovelace", customer).code == 400
    assert server.http("GET", "/v1/customers/Ada%20Lovelace").code == 400
    assert server.http("GET", "/v1/customers/nobody").code == 404
    calls = lines(server, "call")
    created, updated, refused, misnamed, unknown = calls[-5:]
    assert created["method"] == "rapport.accounts.v1.Accounts.CreateCustomer"
    assert (created["code"], created["request_id"], created["trace_id"]) == ("OK", "request-1", TRACE)
    assert float(created["duration_ms"]) > 0
    assert updated["resource"] == "customers/ada"
    assert refused["code"] == "INVALID_ARGUMENT" and "trace_id" not in refused
    assert "resource" not in misnamed
    assert (unknown["code"], unknown["resource"]) == ("NOT_FOUND", "customers/nobody")
    text = server.log.read_text()
    assert not [secret for secret in ("Lovelace", "example.com", "a secret", "grace") if secret in text]


def test_the_trace_is_in_the_timeline(server):
    headers = {"traceparent": TRACEPARENT}
    server.create("/v1/customers?customerId=traced", {"displayName": "T", "kind": "PERSON"}, **headers)
    server.create("/v1/customers/traced/cases", {"kind": "COMPLAINT", "subject": "x"}, traceparent="no trace " * 200)
    case, customer = server.get("/v1/customers/traced/timeline")["events"]
    assert customer["traceparent"] == TRACEPARENT
    assert "traceparent" not in case
    found = server.get(f"/v1/customers/traced/timeline?filter=traceparent%20%3D%20%22{TRACEPARENT}%22")["events"]
    assert [json.dumps(event) for event in found] == [json.dumps(customer)]
