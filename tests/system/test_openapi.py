"""/openapi.json against a validator that knows nothing of Rapport, and against the server itself."""

import json
import re

import pytest
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from server import ROOT, Server

VERBS = ("get", "put", "post", "delete", "patch")


@pytest.fixture(scope="module")
def document(server: Server) -> dict:
    return server.get("/openapi.json")


def operations(document: dict):
    for path, item in document["paths"].items():
        for verb in VERBS:
            if verb in item:
                yield verb.upper(), path, item[verb]


def check(document: dict, schema: dict, instance) -> None:
    """`instance` against a schema of the document."""
    OAS31Validator({**schema, "components": document["components"]}).validate(instance)


def answer_schema(document: dict, verb: str, path: str) -> dict:
    answer = document["paths"][path][verb.lower()]["responses"]["200"]
    return answer["content"]["application/json"]["schema"]


def test_the_document_is_valid(document):
    OpenAPIV31SpecValidator(document).validate()
    assert document["info"]["version"]


def test_every_route_of_the_protos_is_there(document):
    """A path as google.api.http has it, with the ids' names forgotten, and so the document's."""
    wanted = set()
    for proto in (ROOT / "proto" / "rapport").rglob("*_service.proto"):
        for verb, path in re.findall(r'\b(get|put|post|delete|patch): "([^"]+)"', proto.read_text()):
            bare = re.sub(r"\{[\w.]+=([^}]+)\}", r"\1", path)
            wanted.add((verb.upper(), re.sub(r"\{\w+\}", "*", bare)))
    assert len(wanted) > 40
    found = {(verb, re.sub(r"\{\w+\}", "*", path)) for verb, path, _ in operations(document)}
    imports = {(verb, path) for verb, path in found if path.endswith(":import")}
    assert found - imports == wanted
    creates = [o for _, _, o in operations(document) if "_Create" in o["operationId"]]
    assert len(imports) == len(creates)


def test_every_operation_is_answered_as_it_says(server, document):
    """With ids that exist nowhere: a refusal in the error's form, never an unknown path or method."""
    error = document["components"]["responses"]["Error"]["content"]["application/json"]["schema"]
    for verb, path, operation in operations(document):
        assert set(re.findall(r"\{(\w+)\}", path)) == {
            p["name"] for p in operation["parameters"] if p.get("in") == "path"
        }
        target = re.sub(r"\{\w+\}", "nobody", path)
        if path.endswith(":import"):
            answer = server.http(verb, target + "?job=shape", b"", {"Content-Type": "application/x-ndjson"})
            assert answer.code == 200, f"{verb} {target}: {answer.text}"
            continue
        body = {} if "requestBody" in operation else None
        query = {p["name"] for p in operation["parameters"] if p.get("in") == "query"}
        answer = server.http(verb, target + ("?validateOnly=true" if "validateOnly" in query else ""), body)
        assert answer.code not in (405, 411, 415, 500, 501), f"{verb} {target}: {answer.text}"
        if answer.code == 200:
            check(document, answer_schema(document, verb, path), answer.json)
            continue
        check(document, error, answer.json)
        assert "no such path" not in answer.text, f"{verb} {target}"
        # An id or nothing else is what these lack; a parameter that is not known would be named.
        assert "unknown query parameter" not in answer.text, f"{verb} {target}: {answer.text}"


def test_every_query_parameter_is_known(server, document):
    values = {"string": "x", "boolean": "true", "integer": "1", "array": "x"}
    for verb, path, operation in operations(document):
        for parameter in operation["parameters"]:
            if parameter.get("in") != "query" or path.endswith(":import"):
                continue
            value = values.get(parameter["schema"].get("type"), "x")
            target = re.sub(r"\{\w+\}", "nobody", path) + f"?{parameter['name']}={value}"
            answer = server.http(verb, target, {} if "requestBody" in operation else None)
            assert "unknown query parameter" not in answer.text, f"{verb} {target}: {answer.text}"


def test_what_is_sent_and_answered_fits_its_schemas(server, document):
    def send(verb: str, path: str, body: dict, **ids) -> dict:
        sent = document["paths"][path][verb.lower()]["requestBody"]["content"]["application/json"]["schema"]
        check(document, sent, body)
        answer = server.http(verb, re.sub(r"\{(\w+)\}", lambda name: ids[name[1]], path), body)
        assert answer.code == 200, answer.text
        check(document, answer_schema(document, verb, path), answer.json)
        for header in document["paths"][path][verb.lower()]["responses"]["200"]["headers"]:
            assert header == "Rapport-Repeat" or header.lower() in answer.headers, header
        return answer.json

    name = send("POST", "/v1/customers", {"displayName": "Ada", "kind": "PERSON", "labels": {"a": "b"}})["name"]
    customer = name.split("/")[1]
    product = send("POST", "/v1/products", {"displayName": "Oats"})["name"]
    price = {"currencyCode": "USD", "units": "3", "nanos": 500000000}
    line = {"product": product, "quantity": {"value": "2"}, "amount": price}
    send("POST", "/v1/customers/{customer}/orders", {"lines": [line]}, customer=customer)
    cases = "/v1/customers/{customer}/cases"
    case = send("POST", cases, {"kind": "COMPLAINT", "subject": "late"}, customer=customer)["name"].split("/")[-1]
    send("PATCH", cases + "/{case}", {"description": "by days"}, customer=customer, case=case)
    send("POST", cases + "/{case}:resolve", {"resolution": {"remedy": "sent again"}}, customer=customer, case=case)
    for path in ("/v1/customers/{customer}/view", "/v1/customers/{customer}/timeline", cases, "/v1/customers"):
        answer = server.get(path.replace("{customer}", customer))
        check(document, answer_schema(document, "GET", path), answer)


def test_requests_say_what_they_need(document):
    create = document["paths"]["/v1/customers/{customer}/cases"]["post"]
    schema = create["requestBody"]["content"]["application/json"]["schema"]
    assert schema["required"] == ["kind", "subject"]
    update = document["paths"]["/v1/customers/{customer}/cases/{case}"]["patch"]
    assert "required" not in update["requestBody"]["content"]["application/json"]["schema"]
    headers = [p["$ref"].split("/")[-1] for p in update["parameters"] if "$ref" in p]
    assert headers == ["IdempotencyKey", "IfMatch", "ConsistencyToken"]
    case = document["components"]["schemas"]["rapport.service.v1.Case"]["properties"]
    assert case["state"] == {"$ref": "#/components/schemas/rapport.service.v1.Case.State", "readOnly": True}
    assert case["createTime"] == {"type": "string", "format": "date-time", "readOnly": True}
    assert case["subject"] == {"type": "string", "minLength": 1, "maxLength": 300}
    money = document["components"]["schemas"]["google.type.Money"]["properties"]
    assert money["units"] == {"type": "string", "format": "int64"}
    with pytest.raises(Exception, match="required"):
        check(document, schema, json.loads("{}"))


def test_the_document_is_only_read(server):
    assert server.http("POST", "/openapi.json", {}).headers["allow"] == "GET, HEAD"
    head = server.http("HEAD", "/openapi.json")
    assert head.code == 200 and int(head.headers["content-length"]) > 10_000
