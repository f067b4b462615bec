"""/console/ in a real Chromium, by playwright-core; what a person sees and does is in
console_browser.js, which says what it saw."""

import json
import os
import shutil
import subprocess
import time

import pytest
from server import DEPS, ROOT, Server

MARKUP = '<img src=x onerror="window.injected=1">Ada'
ORDERS = 24


@pytest.fixture(scope="module")
def customer(server: Server) -> str:
    """One with markup for a name, more orders than the view holds, and a case; another has the same
    telephone."""
    name = server.create("/v1/customers", {"displayName": MARKUP, "kind": "PERSON"})["name"]
    product = server.create("/v1/products", {"displayName": "Oats"})["name"]
    price = {"currencyCode": "USD", "units": "1234", "nanos": 500000000}
    for _ in range(ORDERS):
        line = {"product": product, "quantity": {"value": "1"}, "amount": price}
        server.create(f"/v1/{name}/orders", {"lines": [line]})
    server.create(f"/v1/{name}/cases", {"kind": "COMPLAINT", "subject": "<b>late</b> 入伙"})
    bob = server.create("/v1/customers", {"displayName": "Bob", "kind": "PERSON"})["name"]
    for who in (name, bob):
        server.create(f"/v1/{who}/contactPoints", {"phone": {"number": "+14155552671"}, "displayName": "shop"})
    mail = server.create(f"/v1/{name}/contactPoints", {"email": "ada@example.com"})["name"]
    server.create(f"/v1/{mail}:prefer", {})
    phone = next(p for p in server.all(f"/v1/{name}/contactPoints", "contactPoints") if "phone" in p)["name"]
    server.create(f"/v1/{phone}:verify", {"method": "CODE"})
    since = {"year": 2020, "month": 3, "day": 1}
    server.create(f"/v1/{name}/relationships", {"type": "WORKS_FOR", "object": bob, "fromDate": since})
    until = time.monotonic() + 60
    while f'"orderCount":"{ORDERS}"' not in server.http("GET", f"/v1/{name}/profile").text:
        assert time.monotonic() < until, "the profile has heard of all orders"
        time.sleep(0.01)
    return name


@pytest.fixture(scope="module")
def seen(server: Server, customer, tmp_path_factory) -> dict:
    chromium = shutil.which("chromium")
    assert chromium, "chromium is not installed; run tools/setup test"
    done = subprocess.run(
        ["node", ROOT / "tests/system/console_browser.js", chromium, server.url,
         tmp_path_factory.mktemp("console"), customer.split("/")[1]],
        capture_output=True, text=True, timeout=180, env=os.environ | {"NODE_PATH": str(DEPS / "node/node_modules")},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def test_shows_the_customer(seen, customer):
    assert seen["arrivedAt"].endswith("/console/")
    assert seen["heading"] == MARKUP and MARKUP in seen["title"]
    assert seen["sections"] == ["Customer", "Profile", "Contact points", "Cases", "Orders", "Interactions",
                                "Campaigns", "Relationships", "Timeline"]  # fmt: skip
    assert "<b>late</b> 入伙" in seen["cases"][0] and "open · complaint" in seen["cases"][0]
    assert len(seen["orders"]) == 10 and all(order.startswith("$1,234.50") for order in seen["orders"])
    # 24 orders of $1,234.50, from the facts of sales.
    assert "$29,628.00" in seen["profile"] and "24" in seen["profile"]
    assert seen["gaps"] == []
    assert f"service · {customer}/cases/" in seen["details"]


def test_pages_and_filters(seen):
    assert seen["allOrders"] == ORDERS
    assert seen["events"] == 20
    assert seen["eventsAfterOlder"] == ORDERS + 7


def test_nothing_that_a_customer_wrote_runs(seen):
    assert seen["injected"] is None
    assert "script-src 'self'" in seen["policy"] and "unsafe" not in seen["policy"]
    # The customer that is not there, and nothing else: no breach of the policy, no error of ours.
    assert all("404" in trouble for trouble in seen["troubles"]), seen["troubles"]
    assert seen["foreign"] == []


def test_nobody_is_said(seen):
    assert seen["unknown"] == "customers/nobody does not exist"
    assert not seen["viewOfUnknown"]


def test_works_by_keyboard_and_on_a_phone_in_the_dark(seen):
    assert (seen["firstStop"], seen["focus"]) == ("id", "who")
    assert seen["linked"] == MARKUP
    assert seen["phoneOverflow"] <= 0
    assert seen["darkPage"] == "rgb(20, 23, 27)"
    assert seen["unlabelled"] == [] and seen["smallTargets"] == []


def test_looks_up_only_where_the_server_can(server, seen, customer):
    assert seen["lookupShown"] == ("/v1/customers:lookup" in server.get("/openapi.json")["paths"])
    assert seen["lookedUp"] == "?email=ada%40example.com"
    assert seen["foundByMail"] == MARKUP
    assert seen["addressAfterLookup"].endswith(f"/console/#{customer}")


def test_who_rings_is_on_the_page_after_one_call(seen, customer):
    asked = seen["asked"]
    assert asked[0] == "/v1/customers:view?phone=%28415%29+555-2671&region=US"
    # And beside it only what happened.
    assert asked[1].startswith(f"/v1/{customer}/timeline?")
    assert not any(path.endswith(("/view", "/profile")) for path in asked[:2])
    assert (seen["caller"], seen["callerFocus"]) == (MARKUP, "who")
    assert seen["why"] == "Found by phone, verified. It may also be:"
    assert seen["others"] == ["Bob phone"] and not seen["matchesOfOther"]
    assert [line.split("\n") for line in seen["reached"]] == [
        ["ada@example.com", "preferred"],
        ["+14155552671", "shop", "verified"],
    ]
    assert "works for" in seen["related"][0] and "from Mar 1, 2020" in seen["related"][0]
    assert "Opportunities" not in seen["callerSections"]
    assert not seen["viewOfNobody"]


def test_gaps_are_named(seen):
    assert seen["otherGaps"] == [
        "Orders: cannot be had just now (no owner)",
        "Campaigns: not installed here",
    ]
    assert "Orders" not in seen["otherSections"] and "Cases" in seen["otherSections"]
