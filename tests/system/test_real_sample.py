"""The grocer's real data, a few households of it, through the public import."""

import json
import subprocess
import sys
from decimal import Decimal

import pytest
from server import BIN, ROOT, Server

HOUSEHOLDS = 12
# In an order in which every row finds what it names.
PATHS = {
    "customers": "/v1/customers",
    "products": "/v1/products",
    "campaigns": "/v1/campaigns",
    "orders": "/v1/customers/-/orders",
    "campaignMemberships": "/v1/customers/-/campaignMemberships",
    "interactions": "/v1/customers/-/interactions",
    "cases": "/v1/customers/-/cases",
}


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    out = tmp_path_factory.mktemp("sample")
    samples = ROOT / "tools" / "samples"
    subprocess.run([sys.executable, samples / "complete_journey.py", out, f"--households={HOUSEHOLDS}"], check=True)
    subprocess.run([sys.executable, samples / "generate_service.py", out], check=True)
    return out


@pytest.fixture(scope="module")
def expected(sample) -> dict:
    return json.loads((sample / "expected.json").read_text())


@pytest.fixture(scope="module")
def imported(server, sample) -> dict[str, list[dict]]:
    """What the first import of each collection answered."""
    return {
        collection: server.import_rows(path, f"first-{collection}", (sample / f"{collection}.ndjson").read_bytes())
        for collection, path in PATHS.items()
    }


def money(amount: dict) -> Decimal:
    return Decimal(amount.get("units", "0")) + Decimal(amount.get("nanos", 0)) / 10**9


def rows_of(answers: list[dict]) -> list[dict]:
    """All but the last line, which counts."""
    rows, counts = answers[:-1], answers[-1]
    refused = sum("error" in row for row in rows)
    assert [counts[name] for name in ("rows", "succeeded", "failed")] == [len(rows), len(rows) - refused, refused]
    return rows


@pytest.mark.parametrize("collection", PATHS)
def test_every_row_is_answered_in_order(imported, expected, collection):
    rows = rows_of(imported[collection])
    assert [int(row["row"]) for row in rows] == list(range(1, expected[collection] + 1))
    assert [row for row in rows if "error" in row] == []
    assert all(row["name"] for row in rows)


@pytest.mark.parametrize("collection", PATHS)
def test_counts_match_the_source(server, imported, expected, collection):
    names = [row["name"] for row in server.all(PATHS[collection], collection)]
    assert len(names) == len(set(names)) == expected[collection]


def test_order_lines_sum_to_the_cent(server, imported, expected):
    orders = server.all(PATHS["orders"], "orders")
    assert sum(len(order["lines"]) for order in orders) == expected["orderLines"]
    lines = sum(money(line["amount"]) for order in orders for line in order["lines"])
    assert lines == sum(money(order["total"]) for order in orders) == Decimal(expected["orderTotal"])
    for customer, total in expected["orderTotals"].items():
        mine = server.all(f"/v1/{customer}/orders", "orders")
        assert sum(money(order["total"]) for order in mine) == Decimal(total), customer


def test_the_view_shows_orders_and_campaigns(server, imported, sample):
    with (sample / "orders.ndjson").open() as file:
        orders = [json.loads(line) for line in file]
    with (sample / "campaignMemberships.ndjson").open() as file:
        member = json.loads(file.readline())
    customer = member["parent"]
    mine = sorted((o for o in orders if o["parent"] == customer), key=lambda o: o["occurTime"], reverse=True)
    view = server.get(f"/v1/{customer}/view")
    assert [order["name"].split("/")[-1] for order in view["orders"]] == [o["orderId"] for o in mine[:10]]
    assert view["orders"][0]["occurTime"] == mine[0]["occurTime"]
    campaigns = {part["membership"]["campaign"]: part["campaign"] for part in view["campaigns"]}
    assert member["campaignMembership"]["campaign"] in campaigns
    assert all(campaign["displayName"].startswith("Campaign ") for campaign in campaigns.values())
    assert not view.get("missingParts")


def test_chinese_comes_back_as_it_went_in(server, imported, sample):
    with (sample / "interactions.ndjson").open(encoding="utf-8") as file:
        sent = {(r["parent"], r["interactionId"]): r["interaction"]["summary"] for r in map(json.loads, file)}
    assert any("\u4e00" <= character <= "\u9fff" for summary in sent.values() for character in summary)
    for row in server.all(PATHS["interactions"], "interactions"):
        customer, _, touch = row["name"].rpartition("/interactions/")
        assert row["summary"] == sent[customer, touch]


def test_a_second_import_repeats_nothing(server, imported, sample, expected):
    for collection, path in PATHS.items():
        again = server.import_rows(path, f"first-{collection}", (sample / f"{collection}.ndjson").read_bytes())
        assert [row["name"] for row in rows_of(again)] == [row["name"] for row in rows_of(imported[collection])]
        assert all(row.get("repeat") for row in rows_of(again)), collection
        assert len(server.all(path, collection)) == expected[collection]


def test_a_bad_row_harms_no_other(server: Server, imported):
    good = '{"customerId":"good-%d","customer":{"displayName":"Good","kind":"PERSON"}}'
    rows = [
        good % 1,
        '{"customerId":"bad","customer":{"displayName":"Bad","kind":"PERSON","colour":"red"}}',
        "not JSON",
        '{"customerId":"UPPER","customer":{"displayName":"Bad","kind":"PERSON"}}',
        good % 2,
    ]
    answers = rows_of(server.import_rows("/v1/customers", "bad-rows", "\n".join(rows).encode() + b"\n"))
    assert [int(answer["row"]) for answer in answers] == [1, 2, 3, 4, 5]
    assert ["error" in answer for answer in answers] == [False, True, True, True, False]
    assert "colour" in json.dumps(answers[1]["error"])
    assert server.get("/v1/customers/good-2")["displayName"] == "Good"
    assert server.http("GET", "/v1/customers/bad").code == 404


def test_what_names_something_unknown_is_refused(server, imported):
    row = '{"parent":"customers/nobody","interaction":{"channel":"WEB","direction":"INBOUND","summary":"?"}}\n'
    [answer] = rows_of(server.import_rows(PATHS["interactions"], "orphans", row.encode()))
    assert "error" in answer


@pytest.mark.skipif(not (BIN / "rapportctl").exists(), reason="rapportctl is not built")
def test_rapportctl_imports_and_shows(server, imported, sample):
    command = [BIN / "rapportctl", "import", "--server", server.url, "--job", "first-customers"]
    done = subprocess.run([*command, sample / "customers.ndjson"], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    command = [BIN / "rapportctl", "view", "--server", server.url, "customers/household-1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Household 1" in done.stdout
