"""What a customer in the view's measurement has, said once for Rapport and for PostgreSQL."""

import json
from pathlib import Path

# The parts of the view that PostgreSQL answers too; `rapportctl bench` asks for the same.
VIEW_PARTS = ("customer", "orders", "cases", "interactions", "campaigns")
ORDERS, LINES, CASES, INTERACTIONS = 10, 5, 10, 20
PRODUCTS = 100
SUMMARY = "Asks when the delivery comes, for the second time"
BODY = (
    "Was promised for Tuesday and again for Thursday; nobody rang, and the parcel shop knows of nothing. "
    "Is at home from four o'clock on and wants a call before the van comes, or the money back."
)
SUBJECT = "Delivery promised for Tuesday did not come"
NOTE = "Leave it with the neighbour"
SALES_POINT = "Web shop"


def occur_time(number: int) -> str:
    return f"2025-{number % 12 + 1:02}-{number % 28 + 1:02}T10:00:00Z"


def line(number: int) -> dict:
    money = {"currencyCode": "EUR", "units": str(number % 90 + 1), "nanos": 990_000_000}
    return {
        "product": f"products/p-{number % PRODUCTS}",
        "quantity": {"value": str(number % 4 + 1)},
        "amount": money,
        "unitPrice": money,
    }


def children(customer: int, plural: str):
    parent = f"customers/bench-{customer}"
    if plural == "orders":
        for number in range(ORDERS):
            order = {
                "lines": [line(customer + number * LINES + k) for k in range(LINES)],
                "note": NOTE,
                "salesPoint": SALES_POINT,
            }
            yield {"parent": parent, "orderId": f"o-{number}", "occurTime": occur_time(number), "order": order}
    elif plural == "cases":
        case = {"subject": SUBJECT, "description": BODY, "kind": "COMPLAINT", "priority": "HIGH"}
        for number in range(CASES):
            yield {"parent": parent, "caseId": f"c-{number}", "occurTime": occur_time(number), "case": case}
    elif plural == "contactPoints":
        # bench_screen_pop dials 030 2….
        yield {"parent": parent, "contactPoint": {"phone": {"number": f"+49302{customer:07}"}}}
    else:
        touch = {"channel": "PHONE", "direction": "INBOUND", "summary": SUMMARY, "body": BODY}
        for number in range(INTERACTIONS):
            occurs = occur_time(number)
            yield {"parent": parent, "interactionId": f"i-{number}", "occurTime": occurs, "interaction": touch}


def write_ndjson(folder: Path, customers: int, plurals=("orders", "cases", "interactions")) -> list[Path]:
    """Files for `rapportctl import`, in the order in which they refer to each other."""
    products = folder / "products.ndjson"
    with products.open("w") as out:
        for number in range(PRODUCTS):
            row = {"productId": f"p-{number}", "product": {"displayName": f"Product {number}"}}
            out.write(json.dumps(row) + "\n")
    files = [products]
    for plural in plurals:
        files.append(folder / f"{plural}.ndjson")
        with files[-1].open("w") as out:
            for customer in range(customers):
                for row in children(customer, plural):
                    out.write(json.dumps(row) + "\n")
    return files
