"""Somebody rings: from the number that the telephone shows to all that is known of the caller, as a
call-centre desktop asks for it and as a person at a terminal does."""

import subprocess

import pytest
from server import BIN, Server

DIALLED = "phone=030%20901820&region=DE"


@pytest.fixture(scope="module")
def ada(server: Server) -> str:
    """Has ordered, complained, and shares an office telephone with Bob, who is less likely to ring."""
    for who in ("ada", "bob"):
        server.create(f"/v1/customers?customerId={who}", {"displayName": who.title(), "kind": "PERSON"})
        point = {"phone": {"number": "+4930901820"}, "displayName": "office"}
        server.create(f"/v1/customers/{who}/contactPoints?contactPointId=office", point)
    server.create("/v1/customers/ada/contactPoints/office:verify", {"method": "CODE"})
    server.create("/v1/customers/ada/contactPoints/office:prefer", {})
    server.create("/v1/customers/ada/contactPoints", {"email": "ada@example.com"})
    server.create("/v1/customers/ada/relationships", {"type": "REFERRED_BY", "object": "customers/bob"})
    stage = {"stageId": "talk", "displayName": "Talk", "category": "PIPELINE"}
    process = server.create("/v1/salesProcesses", {"displayName": "Short", "stages": [stage]})["name"]
    amount = {"currencyCode": "EUR", "units": "1250"}
    deal = {"process": process, "displayName": "A second cellar", "amount": amount}
    server.create("/v1/customers/ada/opportunities", deal)
    product = server.create("/v1/products", {"displayName": "Oats"})["name"]
    line = {"product": product, "quantity": {"value": "1"}, "amount": amount}
    for facts in (
        server.http("POST", "/v1/customers/ada/orders", {"lines": [line]}),
        server.http("POST", "/v1/customers/ada/cases", {"kind": "COMPLAINT", "subject": "It squeaks"}),
    ):
        # Whoever asks under a token waits for the figures; they are there for the others then.
        token = {"Rapport-Consistency-Token": facts.headers["rapport-consistency-token"]}
        assert server.http("GET", "/v1/customers/ada/profile", headers=token).code == 200
    return "customers/ada"


def shown(server: Server, *arguments: str) -> subprocess.CompletedProcess:
    command = [BIN / "rapportctl", "view", "--server", server.url, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_a_desktop_has_the_caller_in_one_call(server, ada):
    popped = server.get(f"/v1/customers:view?{DIALLED}")
    assert popped["view"]["name"] == f"{ada}/view"
    assert popped["view"]["cases"][0]["subject"] == "It squeaks"
    assert popped["view"]["opportunities"][0]["displayName"] == "A second cellar"
    assert [match["customer"]["name"] for match in popped["matches"]] == [ada, "customers/bob"]
    assert popped["matches"][0]["reasons"] == ["PHONE", "VERIFIED", "PREFERRED"]


def test_a_desktop_reads_no_more_than_it_shows(server, ada):
    popped = server.get(f"/v1/customers:view?{DIALLED}&readMask=customer.displayName,contactPoints")
    assert popped["view"]["customer"] == {"displayName": "Ada"}
    assert len(popped["view"]["contactPoints"]) == 2
    assert "cases" not in popped["view"]


def test_a_desktop_is_told_what_it_asked_wrongly(server):
    for query, field in (("phone=030", "phone"), (f"{DIALLED}&readMask=nonsense", "readMask")):
        answer = server.http("GET", f"/v1/customers:view?{query}")
        assert answer.code == 400
        assert answer.json["error"]["details"][0]["fieldViolations"][0]["field"] == field


def test_a_terminal_shows_why_the_caller_was_found(server, ada):
    done = shown(server, "--phone", "030 901820", "--region", "DE")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == f"Found by phone, verified, preferred: {ada}/contactPoints/office"
    assert lines[1] == "Ada"
    text = " ".join(done.stdout.split())
    for part in (
        "Figures orders 1 · revenue EUR 1,250.00 · last on",
        "cases 1 open · 0 resolved · 1 complaints",
        "e-mail ada@example.com phone +4930901820 preferred, verified, office",
        "referred by customers/bob",
        "open EUR 1,250.00 talk A second cellar",
        "Interactions: none",
        "It may also be Bob customers/bob phone",
    ):
        assert part in text, done.stdout
    assert "Not installed" not in done.stdout


def test_a_terminal_says_how_to_ask(server, ada):
    assert "Ada" in shown(server, "--email", "ADA@example.com").stdout
    for arguments, said in (
        ((), "say one of CUSTOMER, --phone and --email"),
        (("ada", "--email", "ada@example.com"), "say one of CUSTOMER, --phone and --email"),
        (("--email", "ada@example.com", "--region", "DE"), "--region belongs to --phone"),
        (("--email", "nobody@example.com"), "nobody is reached there"),
        (("--phone", "030 901820"), "phone: names no country"),
    ):
        done = shown(server, *arguments)
        assert done.returncode == 1 and said in done.stderr, done.stderr


def test_a_terminal_names_what_is_not_installed(tmp_path):
    small = Server(tmp_path, "--services=accounts,service").start()
    try:
        small.create("/v1/customers?customerId=ada", {"displayName": "Ada", "kind": "PERSON"})
        text = " ".join(shown(small, "ada").stdout.split())
        assert text.endswith("Not installed orders, campaigns, profile, opportunities")
        assert "Orders" not in text and "Figures" not in text
    finally:
        small.stop()
